import type { Clock } from '#core/base/ports';

export interface VirtualClock extends Clock {
  /**
   * Lets `ms` pass: runs every timer that falls due, in order of time and then of arming, and lets promises settle
   * after each. Work that leaves the thread (WebCrypto, disk) is not waited for: use synchronous stand-ins.
   */
  advance(ms: number): Promise<void>;
  /** Lets time pass, timer by timer, until `promise` settles; throws when that takes more than `limitMs` of virtual time. */
  runUntil<T>(promise: Promise<T>, limitMs?: number): Promise<T>;
  /** How many timers wait. */
  readonly waiting: number;
}

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** One turn of the event loop, with every promise that is ready settled. */
const turn: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => {
            port1.close();
            resolve();
          };
          port2.postMessage(null);
        });

const before = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** A clock that stands still until a test moves it. `startMs` is what `now` says first: 2026-01-01 unless told. */
export function createVirtualClock(startMs = 1_767_225_600_000): VirtualClock {
  const heap: Timer[] = [];
  let nowMs = 0;
  let order = 0;
  let live = 0;

  const push = (timer: Timer): void => {
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  };
  const pop = (): Timer => {
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      let at = 0;
      for (;;) {
        let child = at * 2 + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, last)) break;
        heap[at] = heap[child]!;
        at = child;
      }
      heap[at] = last;
    }
    return top;
  };
  const nextDue = (): Timer | null => {
    while (heap.length > 0 && heap[0]!.cancelled) pop();
    return heap[0] ?? null;
  };
  const arm = (dueMs: number, run: () => void): Timer => {
    const timer: Timer = { dueMs, order: order++, run, cancelled: false };
    live++;
    push(timer);
    return timer;
  };
  const cancel = (timer: Timer): void => {
    if (timer.cancelled) return;
    timer.cancelled = true;
    live--;
  };
  const runNext = async (timer: Timer): Promise<void> => {
    pop();
    nowMs = Math.max(nowMs, timer.dueMs);
    cancel(timer);
    timer.run();
    await turn();
  };

  return {
    get waiting() {
      return live;
    },
    now: () => startMs + Math.floor(nowMs),
    monotonicMs: () => nowMs,
    after(delayMs, run) {
      const timer = arm(nowMs + Math.max(0, delayMs), run);
      return () => cancel(timer);
    },
    every(periodMs, run) {
      let stopped = false;
      let timer: Timer;
      const step = (dueMs: number): void => {
        timer = arm(dueMs, () => {
          step(dueMs + Math.max(1, periodMs));
          run();
        });
        if (stopped) cancel(timer);
      };
      step(nowMs + Math.max(1, periodMs));
      return () => {
        stopped = true;
        cancel(timer);
      };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await turn();
      for (let next = nextDue(); next !== null && next.dueMs <= untilMs; next = nextDue()) await runNext(next);
      nowMs = untilMs;
    },
    async runUntil(promise, limitMs = 600_000) {
      const untilMs = nowMs + limitMs;
      let settled = false;
      promise.then(
        () => (settled = true),
        () => (settled = true),
      );
      await turn();
      while (!settled) {
        const next = nextDue();
        if (next === null) throw new Error('Nothing is waiting, so this promise would never settle.');
        if (next.dueMs > untilMs) throw new Error(`The promise did not settle within ${limitMs} ms.`);
        await runNext(next);
      }
      return promise;
    },
  };
}
