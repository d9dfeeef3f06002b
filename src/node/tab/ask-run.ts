import { createStream } from '#core/base/stream';
import type { Failure, Result } from '#core/base/result';
import type { RouteUpdate, Answer } from '#core/experts/route';
import type { Work } from '../create-node';
import type { AskRun } from '../page-api';

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
export function startRun(begin: (signal: AbortSignal) => Promise<Result<Work>>): AskRun {
  const abort = new AbortController();
  const updates = createStream<RouteUpdate>();
  async function drive(): Promise<Answer> {
    try {
      const work = orThrow(await begin(abort.signal));
      for (;;) {
        const next = await work.next();
        if (next.done) return orThrow(next.value).answer;
        updates.push(next.value);
      }
    } finally {
      updates.end();
    }
  }
  const answer = drive();
  // Whoever only reads the updates must not be met by an unhandled rejection.
  answer.catch(() => undefined);
  return { updates, answer, cancel: () => abort.abort() };
}
