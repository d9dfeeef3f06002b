import * as v from 'valibot';
import { sha256HexSchema } from './model-manifest';

/** What a device was found to compute holds for a week: browsers and drivers change. */
export const SELF_TEST_LIFE_MS = 7 * 24 * 60 * 60_000;
/** On doubt a test is not repeated sooner than this after the last: whoever rejects out of spite shall not keep a device busy. */
export const SELF_TEST_PAUSE_MS = 60 * 60_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What a self-test was about: with another browser, engine, model or other transcripts it says nothing. */
const subjectEntries = {
  modelHash: sha256HexSchema,
  engine: v.pipe(v.string(), v.maxLength(64)),
  /** Name and version of the browser, as it tells them. */
  browser: v.pipe(v.string(), v.maxLength(512)),
  /** Content id of the transcripts. */
  golden: v.pipe(v.string(), v.maxLength(128)),
};

/** A self-test as this device remembers it. */
export const keptSelfTestSchema = v.strictObject({
  ...subjectEntries,
  /** Epoch milliseconds. */
  at: count,
  report: v.strictObject({
    passed: v.boolean(),
    positions: count,
    agreeing: count,
    gross: count,
    worstMargin: v.number(),
    promptsAgree: v.boolean(),
  }),
  /** When others last rejected what this device had computed, in epoch milliseconds; null where nobody did since. */
  doubtedAt: v.nullable(count),
});

export type KeptSelfTest = v.InferOutput<typeof keptSelfTestSchema>;
export type SelfTestSubject = Pick<KeptSelfTest, keyof typeof subjectEntries>;

const isAbout = (kept: KeptSelfTest, subject: SelfTestSubject): boolean =>
  kept.modelHash === subject.modelHash &&
  kept.engine === subject.engine &&
  kept.browser === subject.browser &&
  kept.golden === subject.golden;

/**
 * When this device has to test itself again, in epoch milliseconds; `now` where it has to at once: before the first test, when what
 * was tested is not what runs, after a failure, and when the clock went back behind the test. Else a week after the test; after
 * a rejection an hour after it.
 */
export function selfTestDueAt(kept: KeptSelfTest | null, subject: SelfTestSubject, now: number): number {
  if (kept === null || !isAbout(kept, subject) || !kept.report.passed || kept.at > now) return now;
  return Math.max(now, kept.at + (kept.doubtedAt === null ? SELF_TEST_LIFE_MS : SELF_TEST_PAUSE_MS));
}
