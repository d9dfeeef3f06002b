import type { Clock } from '../base/ports';

/** Before its first sign of work a holder may load, queue or read a long prompt. */
export const FIRST_SIGN_MS = 10_000;
/** Once it has begun, a holder that is silent this long has lost the job. */
export const NEXT_SIGN_MS = 3_000;

/** A job held by a node until a deadline, which each sign of work moves on. */
export interface Lease {
  /** The holder showed work: a token, a chunk. */
  sign(): void;
  /** The holder is done or the job was taken away: no expiry any more. */
  end(): void;
  readonly begun: boolean;
}

export function createLease(clock: Clock, onExpired: () => void): Lease {
  let begun = false;
  let over = false;
  let stop = clock.after(FIRST_SIGN_MS, expire);
  function expire(): void {
    if (over) return;
    over = true;
    onExpired();
  }
  return {
    sign() {
      if (over) return;
      begun = true;
      stop();
      stop = clock.after(NEXT_SIGN_MS, expire);
    },
    end() {
      over = true;
      stop();
    },
    get begun() {
      return begun;
    },
  };
}
