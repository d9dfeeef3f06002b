import { createStream } from '#core/base/stream';
import type { Failure, Result } from '#core/base/result';
import type { WorkOutcome } from '#core/experts/pipeline';
import type { RouteUpdate } from '#core/experts/route';
import type { Work } from '../create-node';
import type { WorkRun } from '../page-api';

/** A failure as the page sees it: an Error whose message is one sentence, with a stable `code`. */
export class TabmeshError extends Error {
  readonly code: string;
  constructor({ code, message }: Failure) {
    super(message);
    this.name = 'TabmeshError';
    this.code = code;
  }
}

/** The value, or the failure thrown as an Error with its code. */
export function orThrow<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new TabmeshError(result.error);
}

/** Runs work to its end whether or not its updates are read; they wait for a reader. */
export function startRun(begin: (signal: AbortSignal) => Promise<Result<Work>>): WorkRun {
  const abort = new AbortController();
  const updates = createStream<RouteUpdate>();
  async function drive(): Promise<WorkOutcome> {
    try {
      const work = orThrow(await begin(abort.signal));
      for (;;) {
        const next = await work.next();
        if (next.done) return orThrow(next.value);
        updates.push(next.value);
      }
    } finally {
      updates.end();
    }
  }
  const result = drive();
  // Whoever only reads the updates must not be met by an unhandled rejection.
  result.catch(() => undefined);
  return { updates, result, cancel: () => abort.abort() };
}
