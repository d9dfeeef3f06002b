import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { startServer, type RunningServer } from '#signaling/server';
import { browserLaunch } from '../find-browser';
import { serveHarness, type HarnessServer } from './serve-harness';

const MODULE = '/tests/browser/transport.harness.ts';

// On a machine whose only network is loopback, links need this flag and the media permission.
test.use({
  launchOptions: browserLaunch(['--allow-loopback-in-peer-connection']),
  permissions: ['microphone', 'camera'],
});

let harness: HarnessServer;
let signaling: RunningServer;
let dataFolder: string;

const startSignaling = (port: number): Promise<RunningServer> =>
  startServer({
    port,
    host: '127.0.0.1',
    dataFolder,
    app: { kind: 'none' },
    version: '0.0.0',
    stun: false,
    allowedOrigins: [harness.origin],
  });

test.beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'tabmesh-transport-'));
  harness = await serveHarness({ modules: [MODULE] });
  signaling = await startSignaling(0);
});
test.afterAll(async () => {
  await signaling.close();
  await harness.close();
  await rm(dataFolder, { recursive: true, force: true });
});

/** A page with the harness; anything that it throws fails the test. */
async function openPage(context: BrowserContext, errors: string[]): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  await harness.open(page, MODULE);
  return page;
}

let errors: string[];
test.beforeEach(() => {
  errors = [];
});
test.afterEach(() => {
  expect(errors).toEqual([]);
});

let roomCount = 0;
const freshRoom = (): string => `room${Date.now()}${roomCount++}`;

const start = (page: Page, room: string): Promise<string> =>
  page.evaluate(([url, name]) => window.transport.startNode(url!, name!), [signaling.url, room]);
const whenLinked = (page: Page, id: string, peer: string) =>
  page.waitForFunction(
    ([mine, theirs]) => window.transport.links(mine!).some((link) => link.peer === theirs && link.state === 'live'),
    [id, peer],
  );
const whenHappened = (page: Page, id: string, what: string) =>
  page.waitForFunction(
    ([mine, name]) => window.transport.events(mine!).some((event) => event.what === name),
    [id, what],
  );

test('PeerJS passes the transport conformance cases', async ({ context }) => {
  const page = await openPage(context, errors);
  const results = await page.evaluate((url) => window.transport.runTransportCases(url), signaling.url);
  expect(results.filter(({ ok }) => !ok)).toEqual([]);
  expect(results.length).toBeGreaterThan(8);
  expect(await page.evaluate(() => window.transport.iceServersUsed())).toEqual([]);
});

test('the worker clock passes the clock conformance cases', async ({ context }) => {
  const page = await openPage(context, errors);
  const results = await page.evaluate(() => window.transport.runClockCases());
  expect(results.filter(({ ok }) => !ok)).toEqual([]);
});

test('two nodes find each other, shake hands once, and exchange messages of every size under back-pressure', async ({
  context,
}) => {
  const page = await openPage(context, errors);
  const room = freshRoom();
  const a = await start(page, room);
  const b = await start(page, room);
  await whenLinked(page, a, b);
  await whenLinked(page, b, a);
  // All echoes together fit into what a link lets wait, 8 MiB, however slowly they are taken.
  for (const [count, sizeBytes] of [[200, 20] as const, [24, 256 * 1024] as const]) {
    const inOrder = await page.evaluate(([mine, theirs, n, size]) => window.transport.exchange(mine, theirs, n, size), [
      a,
      b,
      count,
      sizeBytes,
    ] as const);
    expect(inOrder).toBe(true);
  }
  expect(await page.evaluate((mine) => window.transport.links(mine).length, a)).toBe(1);
  await expect.poll(() => page.evaluate((mine) => window.transport.links(mine)[0]!.rttMs, a)).not.toBeNull();
});

test('a node that leaves says so, and nobody waits for its silence', async ({ context }) => {
  const page = await openPage(context, errors);
  const room = freshRoom();
  const a = await start(page, room);
  const b = await start(page, room);
  await whenLinked(page, a, b);
  await page.evaluate((id) => window.transport.stopNode(id), b);
  await page.waitForFunction((mine) => window.transport.links(mine).length === 0, a);
  const seen = (await page.evaluate((mine) => window.transport.events(mine), a)).map(({ what }) => what);
  expect(seen.filter((what) => what.startsWith('down'))).toEqual(['down leaving']);
});

test('a crashed page is suspect first, then gone', async ({ browser }) => {
  const contexts = [await browser.newContext(), await browser.newContext()];
  const room = freshRoom();
  const [page, other] = [await openPage(contexts[0]!, errors), await openPage(contexts[1]!, errors)];
  const a = await start(page, room);
  const b = await start(other, room);
  await whenLinked(page, a, b);
  await whenLinked(other, b, a);
  const crashed = new Promise<void>((resolve) => other.once('crash', () => resolve()));
  const devtools = await contexts[1]!.newCDPSession(other);
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
  await whenHappened(page, a, 'suspect');
  await page.waitForFunction((mine) => window.transport.events(mine).some((event) => event.what.startsWith('down')), a);
  const seen = (await page.evaluate((mine) => window.transport.events(mine), a)).map(({ what }) => what);
  const [suspect, down] = [seen.indexOf('suspect'), seen.findIndex((what) => what.startsWith('down'))];
  // The seconds of both are held against a clock of our own (`core/transport/links.test.ts`).
  expect(down).toBeGreaterThan(suspect);
  // Some fifteen seconds after the last word the browser gives the connection up by itself: which of the two says so first is chance.
  expect(['down silent', 'down connection_failed']).toContain(seen[down]);
  for (const context of contexts) await context.close();
});

test('links live through a restart of the signaling server, and new ones are made after it', async ({ context }) => {
  const page = await openPage(context, errors);
  const room = freshRoom();
  const a = await start(page, room);
  const b = await start(page, room);
  await whenLinked(page, a, b);
  const { port } = signaling;
  await signaling.close();
  await page.waitForFunction((mine) => window.transport.status(mine).startsWith('offline'), a);
  const during = await page.evaluate(([mine, theirs]) => window.transport.exchange(mine!, theirs!, 5, 100), [a, b]);
  expect(during).toBe(true);
  signaling = await startSignaling(port);
  await page.waitForFunction((mine) => window.transport.status(mine) === 'online', a);
  const c = await start(page, room);
  await whenLinked(page, a, c);
  expect((await page.evaluate((mine) => window.transport.events(mine), a)).map(({ what }) => what)).not.toContain(
    'down closed_by_peer',
  );
  expect(await page.evaluate(([mine, theirs]) => window.transport.exchange(mine!, theirs!, 5, 100), [a, b])).toBe(true);
});

test('no server but the configured ones is ever used, and these only when allowed', async ({ context }) => {
  const page = await openPage(context, errors);
  const room = freshRoom();
  const used = () => page.evaluate(() => window.transport.iceServersUsed());
  const a = await start(page, room);
  const b = await start(page, room);
  await whenLinked(page, a, b);
  expect(await used()).toEqual([]);
  await page.evaluate((mine) => window.transport.useConfiguredServers(mine), a);
  const c = await start(page, room);
  await whenLinked(page, a, c);
  expect([...new Set(await used())]).toEqual(['stun:127.0.0.1:9']);
});

test('a hostile channel is closed with a code and the node goes on', async ({ context }) => {
  const page = await openPage(context, errors);
  const room = freshRoom();
  const a = await start(page, room);
  const hostile = await start(page, room);
  await whenLinked(page, a, hostile);
  const reasons: string[] = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    reasons.push(await page.evaluate(([mine, theirs]) => window.transport.sendGarbage(mine!, theirs!), [hostile, a]));
  }
  expect(reasons).toEqual(Array(4).fill('closed_by_peer'));
  expect(await page.evaluate((mine) => window.transport.status(mine), a)).toBe('online');
  const other = await start(page, room);
  await whenLinked(page, a, other);
});
