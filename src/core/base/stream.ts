/**
 * A queue with one reader, filled from callbacks. `push` after `end` is ignored. Reading ends after `end`; leaving the
 * loop early calls `onReturn` once, which is how a reader cancels its producer.
 */
export interface Stream<T> extends AsyncIterable<T> {
  push(item: T): void;
  end(): void;
  readonly ended: boolean;
}

export function createStream<T>(onReturn: () => void = () => {}): Stream<T> {
  const items: T[] = [];
  let wake: (() => void) | null = null;
  let ended = false;
  return {
    get ended() {
      return ended;
    },
    push(item) {
      if (ended) return;
      items.push(item);
      wake?.();
    },
    end() {
      ended = true;
      wake?.();
    },
    async *[Symbol.asyncIterator]() {
      let finished = false;
      try {
        for (;;) {
          while (items.length > 0) yield items.shift()!;
          if (ended) {
            finished = true;
            return;
          }
          await new Promise<void>((resolve) => (wake = resolve));
          wake = null;
        }
      } finally {
        if (!finished) onReturn();
      }
    },
  };
}
