import { describe, expect, test } from 'vitest';
import { SELF_TEST_LIFE_MS, SELF_TEST_PAUSE_MS, selfTestDueAt, type KeptSelfTest } from './self-test-due';

const at = 1_800_000_000_000;
const subject = { modelHash: 'a'.repeat(64), engine: 'transformers/wasm', browser: 'Chromium 140', golden: 'bafy' };
const report = { passed: true, positions: 40, agreeing: 40, gross: 0, worstMargin: 0, promptsAgree: true };
const kept: KeptSelfTest = { ...subject, at, report, doubtedAt: null };
const later = at + 5_000;

test('a passed test holds for a week', () => {
  expect(selfTestDueAt(kept, subject, later)).toBe(at + SELF_TEST_LIFE_MS);
  expect(selfTestDueAt(kept, subject, at + SELF_TEST_LIFE_MS + 1)).toBe(at + SELF_TEST_LIFE_MS + 1);
});

describe('it is due at once', () => {
  test.each<[string, KeptSelfTest | null, Partial<typeof subject>]>([
    ['before the first test', null, {}],
    ['after a failure', { ...kept, report: { ...report, passed: false } }, {}],
    ['with another version of the browser', kept, { browser: 'Chromium 141' }],
    ['with another model', kept, { modelHash: 'b'.repeat(64) }],
    ['on another engine', kept, { engine: 'transformers/webgpu' }],
    ['with other transcripts', kept, { golden: 'bafz' }],
    ['when the clock went back', { ...kept, at: later + 1 }, {}],
  ])('%s', (_, known, change) => {
    expect(selfTestDueAt(known, { ...subject, ...change }, later)).toBe(later);
  });
});

test('a rejection makes it due, but no more than once an hour', () => {
  const doubted = { ...kept, doubtedAt: later };
  expect(selfTestDueAt(doubted, subject, later)).toBe(at + SELF_TEST_PAUSE_MS);
  const long = at + 2 * SELF_TEST_PAUSE_MS;
  expect(selfTestDueAt({ ...kept, doubtedAt: long }, subject, long)).toBe(long);
});
