import { expect, it } from 'vitest';
import * as v from 'valibot';
import { ok, type Result } from '#core/base/result';
import { defineCapability } from '#core/bus/capability';
import type { JobResult } from '#core/jobs/executor';
import { checkedJob } from './checked-job';

const shout = defineCapability({
  id: 'shout@1',
  input: v.unknown(),
  output: v.strictObject({ text: v.string() }),
  chunk: v.strictObject({ text: v.string() }),
  trust: 'member',
  timeoutMs: 1_000,
});
const resultWith = (output: unknown): Result<JobResult> =>
  ok({ output, salt: new Uint8Array(16), commitment: { payload: new Uint8Array(), signatures: [] } });

async function run(chunks: readonly unknown[], output: unknown, signal = new AbortController().signal) {
  const seen: unknown[] = [];
  let aborted = false;
  const result = await checkedJob(
    shout,
    signal,
    (chunk) => seen.push(chunk),
    async (given) => {
      for (const chunk of chunks) given.onChunk(chunk);
      aborted = given.signal.aborted;
      return resultWith(output);
    },
  );
  return { seen, aborted, code: result.ok ? 'ok' : result.error.code };
}

it('what keeps the contract passes as it is', async () => {
  const chunk = { text: 'A' };
  expect(await run([chunk], { text: 'A' })).toEqual({ seen: [chunk], aborted: false, code: 'ok' });
});

it('a chunk that breaks the contract is never seen, and ends the job', async () => {
  for (const odd of [null, 5, { text: 5 }, { text: 'A', more: 1 }])
    expect(await run([{ text: 'A' }, odd, { text: 'B' }], { text: 'A' })).toEqual({
      seen: [{ text: 'A' }],
      aborted: true,
      code: 'bad_chunk',
    });
});

it('an output that breaks the contract is no result', async () => {
  for (const odd of [null, undefined, { text: NaN }, { text: 'A', more: 1 }])
    expect((await run([], odd)).code).toBe('bad_output');
});

it('whoever cancels reaches the job', async () => {
  expect((await run([], { text: 'A' }, AbortSignal.abort())).aborted).toBe(true);
});
