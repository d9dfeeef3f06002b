/** So many at once; the others wait in order. */
export interface Slots {
  /** Runs `run` when there is room; rejects when the signal aborts while it waits. */
  take<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T>;
}

export function createSlots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = count;
  const room = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        reject(new DOMException('No longer wanted.', 'AbortError'));
      };
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      waiting.push(enter);
      signal.addEventListener('abort', leave);
    });
  return {
    async take(signal, run) {
      if (free > 0) free--;
      else await room(signal);
      try {
        return await run();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
