/**
 * Gives a screen reader at most one sentence per `minIntervalMs`: the latest one wins, an equal one is not repeated.
 * `announce` is called at once when the interval has passed since the last call.
 */
export interface ThrottledStatus {
  say(sentence: string): void;
  /** Forgets a sentence that still waits. */
  clear(): void;
}

export function createThrottledStatus(
  announce: (sentence: string) => void,
  time: { nowMs(): number; after(delayMs: number, run: () => void): () => void },
  minIntervalMs = 1_000,
): ThrottledStatus {
  let lastAt = -Infinity;
  let lastSentence = '';
  let waiting: string | null = null;
  let cancelTimer: (() => void) | null = null;

  function speak(sentence: string): void {
    lastAt = time.nowMs();
    lastSentence = sentence;
    waiting = null;
    announce(sentence);
  }

  return {
    say(sentence) {
      if (sentence === lastSentence) {
        waiting = null;
        return;
      }
      const remainingMs = lastAt + minIntervalMs - time.nowMs();
      if (remainingMs <= 0 && cancelTimer === null) return speak(sentence);
      waiting = sentence;
      cancelTimer ??= time.after(Math.max(remainingMs, 0), () => {
        cancelTimer = null;
        if (waiting !== null) speak(waiting);
      });
    },
    clear() {
      cancelTimer?.();
      cancelTimer = null;
      waiting = null;
    },
  };
}
