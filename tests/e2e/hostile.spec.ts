import { expect, test, type BrowserContext, type CDPSession, type Page } from '@playwright/test';
import { serveHarness, type HarnessServer } from '../browser/serve-harness';
import {
  arrive,
  askThrough,
  contribute,
  expectNoFaults,
  isLinkedWith,
  ledgerOf,
  statusOf,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';
import type { Outcome } from '../browser/hostile.harness';

const MODULE = '/tests/browser/hostile.harness.ts';
const MAX_HEAP_GROWTH_BYTES = 5_000_000;
const TRIES = 3;

/** How each attack must end: a goodbye with this code, a refused call with this code, or the channel closed at once. */
const EXPECTED: Readonly<Record<string, `${Outcome['how']} ${string}` | 'closed'>> = {
  'frame of more than the limit': 'closed',
  'frame of text': 'closed',
  'frame without a whole header': 'goodbye frame_too_short',
  'frame of an unknown version': 'goodbye unknown_version',
  'frame of an unknown kind': 'goodbye unknown_kind',
  'frame with unknown flags': 'goodbye bad_flags',
  'frame number left out': 'goodbye frame_gap',
  'frame sent twice': 'goodbye frame_repeated',
  'frame cut short': 'goodbye frame_not_full',
  'message begun inside a message': 'goodbye message_open',
  'frame that belongs to no message': 'goodbye no_message_open',
  'message whose frames never end': 'goodbye too_large',
  // What follows the frame that is too much belongs to no message any more.
  'call with 300 KB of input': 'goodbye no_message_open',
  'control message that cannot be decoded': 'goodbye undecodable',
  'second greeting': 'goodbye unexpected_message',
  'message that cannot be decoded': 'goodbye undecodable',
  'message in another than the canonical form': 'goodbye not_canonical',
  'message of another version': 'goodbye unknown_version',
  'message of an unknown type': 'goodbye malformed',
  'message with a field of the wrong type': 'goodbye malformed',
  'message with a field too many': 'goodbye malformed',
  'message that is no map': 'goodbye unknown_version',
  'message that sets a prototype': 'goodbye malformed',
  'message of nothing but depth': 'goodbye undecodable',
  'message with a constructor': 'goodbye malformed',
  'card said again': 'goodbye replayed_card',
  'call of what is not offered': 'failed nobody_offers',
  'call with the wrong input': 'failed bad_input',
  'call with a prototype in its input': 'goodbye malformed',
  'call under an id that is in use': 'goodbye duplicate_call',
  'more calls than may be open': 'failed busy',
  'flood of calls': 'failed rate_limited',
  'flood of cancels': 'goodbye rate_limited',
  'job of a kind that nobody knows': 'failed unsupported_job_type',
  'receipt with a spoiled signature to sign': 'failed bad_receipt',
  'receipt for work that was never done to sign': 'failed unknown_job',
  'receipt of somebody else to sign': 'failed not_your_receipt',
  'receipt of strangers to keep': 'failed not_your_receipt',
  'check with a spoiled commitment': 'failed bad_signature',
  'check of a job of somebody else': 'failed not_your_job',
  'greeting of another community': 'goodbye other_community',
  'greeting under another id': 'goodbye claimed_peer_mismatch',
  'greeting under the id of the victim': 'goodbye self_link',
  'greeting of another version': 'goodbye unknown_version',
  'greeting with far too much to show': 'goodbye malformed',
  'message before the handshake': 'goodbye unexpected_message',
  'proof before a greeting': 'goodbye unexpected_message',
  'proof with a wrong signature': 'goodbye bad_signature',
  'handshake that never goes on': 'goodbye handshake_timeout',
};
/** Refusals of whole messages are counted where `node.stats@1` shows them. */
const COUNTED = [
  'undecodable',
  'not_canonical',
  'unknown_version',
  'malformed',
  'replayed_card',
  'duplicate_call',
  'rate_limited',
  'not_your_call',
];

let harness: HarnessServer;
let app: AppServer;
let victim: PersonAtPage;
let honest: PersonAtPage;
let hostileContext: BrowserContext;
let hostile: Page;
let devtools: CDPSession;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  harness = await serveHarness({ modules: [MODULE] });
  // One attack after the other dials faster than the server lets one node; here the victim is tested, not the server.
  app = await serveApp({
    server: { allowedOrigins: [harness.origin], limits: { messagesPerSecond: 1_000, messagesBurst: 10_000 } },
  });
  victim = await arrive(browser, app.origin);
  honest = await arrive(browser, app.origin);
  await contribute(victim.page);
  hostileContext = await browser.newContext();
  hostile = await hostileContext.newPage();
  await harness.open(hostile, MODULE);
  devtools = await victim.context.newCDPSession(victim.page);
  await devtools.send('Performance.enable');
});
test.afterAll(async () => {
  for (const person of [victim, honest]) await person?.context.close();
  await hostileContext?.close();
  await app?.close();
  await harness?.close();
});

const statsOf = (page: Page) =>
  page.evaluate(
    () =>
      window.tabmesh!.call('node.stats@1', {}, { provider: window.tabmesh!.status().nodeId }) as Promise<{
        refused: Record<string, number>;
      }>,
  );

async function heapBytes(): Promise<number> {
  // What only a finalizer holds goes with the second collection.
  for (let times = 0; times < 2; times++) await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'JSHeapUsedSize')!.value;
}

test('every kind of bad frame, message, call and handshake is refused with a code, and the node stays as it was', async () => {
  const kinds = await hostile.evaluate(() => window.hostile.kinds);
  expect([...kinds].sort()).toEqual(Object.keys(EXPECTED).sort());
  expect(kinds.length).toBeGreaterThanOrEqual(20);
  const target = { serverUrl: app.origin, room: (await statusOf(victim.page)).community.id, victim: victim.nodeId };
  await isLinkedWith(honest.page, victim.nodeId);
  // The code that serves calls is fetched at the first one of each kind; that is no growth.
  const before = await askThrough(honest.page, 'What is Tabmesh?', { provider: victim.nodeId });
  expect(before.answer.text.length).toBeGreaterThan(20);
  for (const kind of [
    'frame cut short',
    'call with the wrong input',
    'check with a spoiled commitment',
    'receipt of strangers to keep',
  ]) {
    await hostile.evaluate(([name, at]) => window.hostile.attack(name, at), [kind, target] as const);
  }

  const ledgerBefore = await ledgerOf(victim.page);
  const heapBefore = await heapBytes();
  const refusedBefore = (await statsOf(victim.page)).refused;

  const ended: Record<string, string> = {};
  for (const kind of kinds) {
    const wanted = EXPECTED[kind]!;
    for (let tries = 0; tries < TRIES && ended[kind] !== wanted; tries++) {
      const { how, code } = await hostile.evaluate(([name, at]) => window.hostile.attack(name, at), [
        kind,
        target,
      ] as const);
      ended[kind] = wanted === 'closed' && how === 'closed' ? how : `${how} ${code}`;
      // A goodbye that is still on its way when the channel closes may be lost; any other end is what it is.
      if (how !== 'closed') break;
    }
  }
  expect(ended).toEqual(EXPECTED);

  // A third node answers a call that the victim made to somebody else.
  const usurper = await hostile.evaluate((at) => window.hostile.beginUsurping(at), target);
  await isLinkedWith(victim.page, usurper);
  const called = victim.page.evaluate(
    (provider) =>
      window.tabmesh!.call('echo@1', { message: 'x' }, { provider, timeoutMs: 8_000 }).then(
        (output) => JSON.stringify(output),
        (error: { code: string }) => error.code,
      ),
    usurper,
  );
  const usurped = await hostile.evaluate(() => window.hostile.usurped());
  expect(['goodbye not_your_call', 'closed closed_by_peer']).toContain(`${usurped.how} ${usurped.code}`);
  expect(['no_answer', 'link_lost']).toContain(await called);

  const { refused } = await statsOf(victim.page);
  for (const code of COUNTED) expect(refused[code] ?? 0, code).toBeGreaterThan(refusedBefore[code] ?? 0);

  // Everyone hostile is gone, the honest one still there.
  await victim.page.waitForFunction(() => window.tabmesh!.status().peers === 1);
  const heapAfter = await heapBytes();
  const grown = `${Math.round((heapAfter - heapBefore) / 1_000)} KB more than ${Math.round(heapBefore / 1_000)} KB`;
  test.info().annotations.push({ type: 'heap', description: grown });
  expect(heapAfter - heapBefore, grown).toBeLessThan(MAX_HEAP_GROWTH_BYTES);
  expect(await ledgerOf(victim.page)).toEqual(ledgerBefore);
  expect(await victim.page.evaluate(() => 'polluted' in {})).toBe(false);

  const after = await askThrough(honest.page, 'What is Tabmesh?', { provider: victim.nodeId });
  expect(after.answer.text).toBe(before.answer.text);
  await expectNoFaults(victim, honest);
});
