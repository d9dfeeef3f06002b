import { expect, test } from 'vitest';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { signerNamed } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { ok, unwrap } from '../base/result';
import type { Ledger } from '../ledger/ledger';
import { createExecutor, type JobDone } from './executor';

/** What the payments are told of a job during which the clock that people see is set by so much. */
async function doneWhenSetBy(setMs: number, tookMs: number): Promise<JobDone | null> {
  const clock = createVirtualClock();
  let offsetMs = 0;
  let told: JobDone | null = null;
  const executor = createExecutor({
    signer: signerNamed('worker'),
    ledger: () => ({ append: async () => ok(null) }) as unknown as Ledger,
    clock: { ...clock, now: () => clock.now() + offsetMs },
    chance: createSeededChance(1),
    runService: async () => {
      await clock.advance(tookMs);
      offsetMs = setMs;
      return ok('done');
    },
    onRunningChanged: () => {},
    payments: async () => ({
      take: async () => ok(null),
      over: async (_job, _requester, done) => void (told = done),
    }),
  });
  const order = { jobId: 'job-1', traceId: 'trace-1', capability: 'echo@1' as const, input: {} };
  const requester = signerNamed('payer').nodeId;
  unwrap(await executor.run(order, requester, new AbortController().signal, () => {}));
  return told;
}

test.each([0, 3_600_000, -3_600_000])(
  'how long a job took is measured whatever becomes of the clock that people see: set by %i ms',
  async (setMs) => {
    const { startedAt } = (await doneWhenSetBy(0, 40))!;
    expect(await doneWhenSetBy(setMs, 40)).toMatchObject({ startedAt, tookMs: 40 });
  },
);

test('a job that takes no time took a millisecond', async () => {
  expect(await doneWhenSetBy(0, 0)).toMatchObject({ tookMs: 1 });
});
