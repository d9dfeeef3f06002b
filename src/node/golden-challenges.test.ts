import { beforeEach, expect, test } from 'vitest';
import { fail, ok, type Result } from '#core/base/result';
import { LOOK_LIFE_MS, NO_RECORD, noteLook, type AuditRecord } from '#core/experts/audit';
import type { PipelineDeps } from '#core/experts/run';
import type { JobResult } from '#core/jobs/executor';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { createGoldenChallenges, type GoldenChallenges } from './golden-challenges';

const executor = 'e'.repeat(64);
const model = { id: 'spark-1', hash: 'a'.repeat(64), engine: 'transformers/wasm' };
const golden = { question: 'What is a lease?', promptIds: [1, 2], ids: [3, 4, 5] };
/** Never below the share of answers that are followed by a challenge without any reason. */
const unlucky = { bytes: (count: number) => new Uint8Array(count).fill(255) };

let clock: VirtualClock;
let record: AuditRecord;
let given: unknown[];
let outcomes: string[];
let answer: () => Result<JobResult>;
let challenges: GoldenChallenges;

const answering = (ids: readonly number[]) => () =>
  ok({
    output: { model, promptIds: [1, 2], ids: [...ids], resumedTokens: 0, text: 'a lease', finish: 'stop' },
    salt: new Uint8Array(16),
    commitment: { payload: new Uint8Array(1), signatures: [] },
  } as unknown as JobResult);

beforeEach(() => {
  clock = createVirtualClock();
  record = NO_RECORD;
  given = [];
  outcomes = [];
  answer = answering(golden.ids);
  const pipeline: Pick<PipelineDeps, 'giveJob' | 'outcome' | 'audits'> = {
    async giveJob(_provider, order) {
      given.push(order.input);
      return answer();
    },
    outcome: (_node, outcome) => outcomes.push(outcome),
    audits: { get: () => record, set: (_node, _hash, next) => (record = next) },
  };
  challenges = createGoldenChallenges({ chance: unlucky, clock, pipeline, golden: async () => [golden] });
});

test('whom nobody ever looked at is challenged with its first answer, and then not for a week', async () => {
  await challenges.after(executor, model, false);
  expect(given).toEqual([
    { model: model.id, messages: [{ role: 'user', text: golden.question }], maxTokens: golden.ids.length },
  ]);
  expect(record).toEqual(noteLook(NO_RECORD, clock.now()));
  await clock.advance(LOOK_LIFE_MS - 1);
  await challenges.after(executor, model, false);
  expect(given).toHaveLength(1);
  await clock.advance(1);
  await challenges.after(executor, model, false);
  expect(given).toHaveLength(2);
  expect(outcomes).toEqual([]);
});

test('whom somebody checked within the week is not, unless there is doubt', async () => {
  record = noteLook({ ...NO_RECORD, counted: 4 }, clock.now());
  await challenges.after(executor, model, false);
  expect(given).toEqual([]);
  await challenges.after(executor, model, true);
  expect(given).toHaveLength(1);
});

test('a wrong answer begins the record anew and counts as rejected; the node was looked at all the same', async () => {
  answer = answering([3, 4, 9]);
  record = { ...NO_RECORD, counted: 40 };
  await challenges.after(executor, model, false);
  expect(outcomes).toEqual(['rejected']);
  expect(record).toEqual({ counted: 0, suspicion: 0, failures: 1, lookedAt: clock.now() });
});

test('who is busy or gone was not looked at, and nothing is held against it', async () => {
  answer = () => fail('busy', 'This node has enough to do.');
  await challenges.after(executor, model, false);
  await challenges.after(executor, model, false);
  expect(given).toHaveLength(2);
  expect(record).toBe(NO_RECORD);
  expect(outcomes).toEqual([]);
});
