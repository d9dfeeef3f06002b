import { fraction } from '#core/base/chance';
import type { Chance, Clock } from '#core/base/ports';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** A connection over which nothing came for so long is broken, whatever the browser thinks. */
export const SILENCE_MS = 30_000;

/** What a download waits for: its next try after `failures` in a row, or how long it bears silence. */
export type Wait = { readonly for: 'retry'; readonly failures: number } | { readonly for: 'silence' };

/** Time and chance as a download needs them. Runs `run` once; the returned function cancels. */
export interface Pace {
  after(wait: Wait, run: () => void): () => void;
}

/** Retries twice as late each time, at a moment between half and all of that: many tabs that lost one server come apart. */
export function createPace(clock: Clock, chance: Chance): Pace {
  return {
    after(wait, run) {
      if (wait.for === 'silence') return clock.after(SILENCE_MS, run);
      const longestMs = Math.min(FIRST_RETRY_MS * 2 ** (wait.failures - 1), LONGEST_RETRY_MS);
      return clock.after(longestMs * (0.5 + fraction(chance) / 2), run);
    },
  };
}

type ToPace =
  | { readonly type: 'after'; readonly id: number; readonly wait: Wait }
  | { readonly type: 'cancel'; readonly id: number };

/** Lets a worker use this pace through a message port. */
export function servePace(port: MessagePort, pace: Pace): void {
  const cancelById = new Map<number, () => void>();
  port.onmessage = ({ data }: MessageEvent<ToPace>) => {
    const { id } = data;
    if (data.type === 'cancel') {
      cancelById.get(id)?.();
      cancelById.delete(id);
      return;
    }
    const cancel = pace.after(data.wait, () => {
      cancelById.delete(id);
      port.postMessage(id);
    });
    cancelById.set(id, cancel);
  };
}

/** The pace that the page serves at the other end of the port. */
export function createRemotePace(port: MessagePort): Pace {
  const runById = new Map<number, () => void>();
  const tell = (message: ToPace): void => port.postMessage(message);
  let nextId = 0;
  port.onmessage = ({ data }: MessageEvent<number>) => {
    const run = runById.get(data);
    runById.delete(data);
    run?.();
  };
  return {
    after(wait, run) {
      const id = nextId++;
      runById.set(id, run);
      tell({ type: 'after', id, wait });
      return () => {
        if (runById.delete(id)) tell({ type: 'cancel', id });
      };
    },
  };
}
