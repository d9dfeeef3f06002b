import { beforeEach, describe, expect, test } from 'vitest';
import { createScriptedModel } from '#adapters/engine-scripted';
import { openMemoryStorage } from '#adapters/storage-memory';
import { unwrap, type Failure } from '#core/base/result';
import type { LanguageModel, ScoredPosition } from '#core/engines/language-model';
import type { Golden } from '#core/engines/model-manifest';
import { SELF_TEST_LIFE_MS, SELF_TEST_PAUSE_MS } from '#core/engines/self-test-due';
import type { NodeStorage } from '#core/storage/ports';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { createSelfTests, type SelfTestFinding } from './self-tests';

const question = 'What is a lease?';
const inner = createScriptedModel({ answers: { [question]: 'A job held by a node until a deadline.' } });
const prompt = unwrap(await inner.encodePrompt([{ role: 'user', text: question }]));
const { ids } = unwrap(
  await inner.generate(
    { promptIds: prompt, prefixIds: [], maxTokens: 50, signal: new AbortController().signal },
    () => {},
  ),
);
const transcripts: readonly Golden[] = [{ question, promptIds: [...prompt], ids: [...ids] }];

let clock: VirtualClock;
let storage: NodeStorage;
let broken: boolean;
let tests: number;

/** A device that may begin to compute wrongly, and counts how often it was tested. */
const model: LanguageModel = {
  identity: inner.identity,
  endTokenId: inner.endTokenId,
  encodePrompt: (messages) => inner.encodePrompt(messages),
  decode: (some) => inner.decode(some),
  generate: (request, onToken) => inner.generate(request, onToken),
  dispose: () => inner.dispose(),
  async score(promptIds, outputIds) {
    tests += 1;
    const scored = unwrap(await inner.score(promptIds, outputIds));
    return { ok: true, value: scored.map((one): ScoredPosition => (broken ? { ...one, rank: 1, margin: 3 } : one)) };
  },
};

beforeEach(async () => {
  clock = createVirtualClock();
  storage = await openMemoryStorage();
  broken = false;
  tests = 0;
});

const findings: SelfTestFinding[] = [];
const open = (browser = 'Chromium 140', golden: readonly Golden[] = transcripts) =>
  createSelfTests({
    records: storage.records,
    clock,
    browser: async () => browser,
    golden: async () => golden,
    onReport: (found) => findings.push(found),
  });

describe('a self-test', () => {
  test('that passed is remembered by the next start, until the browser changes or a week has passed', async () => {
    unwrap(await open().hold(model));
    unwrap(await open().hold(model));
    expect(tests).toBe(1);
    expect(findings.at(-1)).toMatchObject({
      model: { id: inner.identity.id, name: inner.identity.name },
      report: { passed: true, agreeing: ids.length },
    });
    unwrap(await open('Chromium 141').hold(model));
    expect(tests).toBe(2);
    await clock.advance(SELF_TEST_LIFE_MS);
    unwrap(await open('Chromium 141').hold(model));
    expect(tests).toBe(3);
  });

  test('that failed keeps the model from being served, also where no transcripts are at hand, until it passes', async () => {
    broken = true;
    for (const tries of [1, 2]) {
      expect(await open().hold(model)).toMatchObject({ error: { code: 'self_test_failed' } });
      expect(tests).toBe(tries);
    }
    expect(await open('Chromium 140', []).hold(model)).toMatchObject({ error: { code: 'self_test_failed' } });
    expect((await open('Chromium 141', []).hold(model)).ok).toBe(true);
    broken = false;
    expect((await open().hold(model)).ok).toBe(true);
  });

  test('is repeated when it is due while the node contributes, by one timer, and a failure is told once', async () => {
    const selfTests = open();
    const told: Failure[] = [];
    unwrap(await selfTests.hold(model));
    selfTests.watch(model, (why) => told.push(why));
    await clock.advance(SELF_TEST_LIFE_MS - 1);
    expect([tests, clock.waiting]).toEqual([1, 1]);
    await clock.advance(1);
    expect([tests, told.length, clock.waiting]).toEqual([2, 0, 1]);
    broken = true;
    await clock.advance(SELF_TEST_LIFE_MS);
    expect([tests, clock.waiting]).toEqual([3, 0]);
    expect(told).toMatchObject([{ code: 'self_test_failed', message: expect.stringContaining('may not serve it') }]);
  });

  test('is repeated on doubt, and no more than once an hour however many reject', async () => {
    const selfTests = open();
    unwrap(await selfTests.hold(model));
    selfTests.watch(model, () => {});
    await clock.advance(SELF_TEST_PAUSE_MS / 2);
    for (let time = 0; time < 5; time++) await selfTests.doubt(model.identity.hash);
    await selfTests.doubt('0'.repeat(64));
    expect([tests, clock.waiting]).toEqual([1, 1]);
    await clock.advance(SELF_TEST_PAUSE_MS / 2);
    expect(tests).toBe(2);
    await clock.advance(SELF_TEST_PAUSE_MS);
    expect(tests).toBe(2);
    // It is not forgotten by leaving the page.
    selfTests.unwatch();
    await selfTests.doubt(model.identity.hash);
    unwrap(await open().hold(model));
    expect(tests).toBe(3);
  });

  test('of a model that is watched no more is not repeated', async () => {
    const selfTests = open();
    unwrap(await selfTests.hold(model));
    selfTests.watch(model, () => {});
    selfTests.unwatch();
    await clock.advance(2 * SELF_TEST_LIFE_MS);
    expect([tests, clock.waiting]).toEqual([1, 0]);
  });
});
