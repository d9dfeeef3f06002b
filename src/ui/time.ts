/** The interface's clock: the one file of `ui` that reads time and sets timers. */

/** Milliseconds since the Unix epoch. */
export const nowMs = (): number => Date.now();

/** Calls `run` once after at least `delayMs`; the returned function cancels. */
export function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}

/** Calls `run` every `periodMs` until cancelled. */
export function every(periodMs: number, run: () => void): () => void {
  const timer = setInterval(run, periodMs);
  return () => clearInterval(timer);
}
