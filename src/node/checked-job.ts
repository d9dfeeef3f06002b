import { fail, type Result } from '#core/base/result';
import type { Capability } from '#core/bus/capability';
import type { JobResult } from '#core/jobs/executor';
import { checkAgainst } from '#core/wire/gate';

interface Given {
  readonly signal: AbortSignal;
  readonly onChunk: (chunk: unknown) => void;
}

/**
 * A job of another node behind the contract of what it does: to the bus, which carries it, chunks and output are of any
 * form. A chunk that breaks the contract ends the job. Codes: those of the job, `bad_chunk`, `bad_output`.
 */
export async function checkedJob(
  capability: Capability<unknown, unknown, unknown> | undefined,
  signal: AbortSignal,
  onChunk: (chunk: unknown) => void,
  run: (given: Given) => Promise<Result<JobResult>>,
): Promise<Result<JobResult>> {
  if (capability === undefined) return run({ signal, onChunk });
  const abort = new AbortController();
  const cancel = (): void => abort.abort();
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  let broken = false;
  const done = await run({
    signal: abort.signal,
    onChunk(chunk) {
      if (broken) return;
      if (capability.chunk !== undefined && checkAgainst(capability.chunk, chunk).ok) return onChunk(chunk);
      broken = true;
      cancel();
    },
  });
  signal.removeEventListener('abort', cancel);
  if (broken) return fail('bad_chunk', 'The other node streamed something that breaks the contract.');
  if (!done.ok) return done;
  return checkAgainst(capability.output, done.value.output).ok
    ? done
    : fail('bad_output', 'The other node gave a result that breaks the contract.');
}
