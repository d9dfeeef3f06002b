import type { Clock } from '#core/base/ports';

/** Timers that end together with whatever set them. */
export interface Timers {
  readonly stopped: boolean;
  /** Runs once, after at least so long; at once where that is past. */
  later(delayMs: number, run: () => void): void;
  /** Nothing runs any more. */
  stop(): void;
}

export function createTimers(clock: Clock): Timers {
  const cancels = new Set<() => void>();
  let stopped = false;
  return {
    get stopped() {
      return stopped;
    },
    later(delayMs, run) {
      // What is under way when the node stops may still come to this.
      if (stopped) return;
      const cancel = clock.after(Math.max(0, delayMs), () => {
        cancels.delete(cancel);
        if (!stopped) run();
      });
      cancels.add(cancel);
    },
    stop() {
      stopped = true;
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}

/** One after the other, whatever became of the one before. */
export function createTurns(): <T>(run: () => Promise<T>) => Promise<T> {
  let turn: Promise<unknown> = Promise.resolve();
  return (run) => {
    const next = turn.then(run);
    turn = next.catch(() => undefined);
    return next;
  };
}
