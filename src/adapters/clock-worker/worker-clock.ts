import type { Clock } from '#core/base/ports';
import type { FromTimer, ToTimer } from '#workers/timer/messages';

export interface WorkerClock extends Clock {
  /** Ends the worker; timers that still wait never run. */
  stop(): void;
}

export interface WorkerClockOptions {
  /** Tells the time and takes the timers over where workers fail. */
  readonly fallback: Clock;
  readonly createWorker?: () => Worker;
}

const timerWorker = (): Worker =>
  new Worker(new URL('../../../workers/timer/timer.worker.ts', import.meta.url), { type: 'module', name: 'timer' });

interface Waiting {
  readonly repeats: boolean;
  readonly delayMs: number;
  readonly armedAtMs: number;
  readonly run: () => void;
  cancelFallback: (() => void) | null;
}

/**
 * A clock whose timers live in a dedicated worker, so that heartbeats keep their pace in a hidden tab. Where a worker
 * cannot be made or fails to load, waiting timers move to the fallback with the time that they have left.
 */
export function createWorkerClock({ fallback, createWorker = timerWorker }: WorkerClockOptions): WorkerClock {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let worker: Worker | null = null;
  let stopped = false;

  const fire = (id: number): void => {
    const timer = waiting.get(id);
    if (timer === undefined) return;
    if (!timer.repeats) waiting.delete(id);
    timer.run();
  };
  const armInFallback = (id: number, timer: Waiting): void => {
    const left = timer.delayMs - (fallback.monotonicMs() - timer.armedAtMs);
    timer.cancelFallback = timer.repeats
      ? fallback.every(timer.delayMs, () => fire(id))
      : fallback.after(Math.max(0, left), () => fire(id));
  };
  const abandonWorker = (): void => {
    if (worker === null) return;
    worker.terminate();
    worker = null;
    for (const [id, timer] of waiting) armInFallback(id, timer);
  };

  try {
    worker = createWorker();
    worker.addEventListener('message', ({ data }: MessageEvent<FromTimer>) => {
      if (data.type === 'fired') fire(data.id);
    });
    worker.addEventListener('error', abandonWorker);
    worker.addEventListener('messageerror', abandonWorker);
  } catch {
    worker = null;
  }

  const tell = (message: ToTimer): void => worker?.postMessage(message);
  const wait = (repeats: boolean, delayMs: number, run: () => void): (() => void) => {
    if (stopped) return () => {};
    const id = nextId++;
    const timer: Waiting = {
      repeats,
      delayMs: Math.max(0, delayMs),
      armedAtMs: fallback.monotonicMs(),
      run,
      cancelFallback: null,
    };
    waiting.set(id, timer);
    if (worker === null) armInFallback(id, timer);
    else tell(repeats ? { type: 'every', id, periodMs: timer.delayMs } : { type: 'after', id, delayMs: timer.delayMs });
    return () => {
      if (!waiting.delete(id)) return;
      timer.cancelFallback?.();
      tell({ type: 'cancel', id });
    };
  };

  return {
    now: () => fallback.now(),
    monotonicMs: () => fallback.monotonicMs(),
    after: (delayMs, run) => wait(false, delayMs, run),
    every: (periodMs, run) => wait(true, periodMs, run),
    stop() {
      stopped = true;
      for (const timer of waiting.values()) timer.cancelFallback?.();
      waiting.clear();
      worker?.terminate();
      worker = null;
    },
  };
}
