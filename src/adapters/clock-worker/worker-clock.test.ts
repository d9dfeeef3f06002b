import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createWorkerClock } from './worker-clock';

/** A worker that never answers until it is told to break. */
function deafWorker() {
  const target = new EventTarget();
  const told: unknown[] = [];
  let terminated = false;
  const worker = Object.assign(target, {
    postMessage: (message: unknown) => void told.push(message),
    terminate: () => (terminated = true),
  }) as unknown as Worker;
  return {
    worker,
    told,
    isTerminated: () => terminated,
    say: (data: unknown) => target.dispatchEvent(new MessageEvent('message', { data })),
    breakDown: () => target.dispatchEvent(new Event('error')),
  };
}

describe('worker clock', () => {
  it('leaves timers to the worker and runs them when it says so', () => {
    const fallback = createVirtualClock();
    const { worker, told, say } = deafWorker();
    const clock = createWorkerClock({ fallback, createWorker: () => worker });
    const ran: string[] = [];
    clock.after(50, () => ran.push('after'));
    const cancel = clock.every(10, () => ran.push('every'));
    say({ type: 'fired', id: 2 });
    say({ type: 'fired', id: 2 });
    say({ type: 'fired', id: 1 });
    say({ type: 'fired', id: 1 });
    cancel();
    say({ type: 'fired', id: 2 });
    expect(ran).toEqual(['every', 'every', 'after']);
    expect(told).toEqual([
      { type: 'after', id: 1, delayMs: 50 },
      { type: 'every', id: 2, periodMs: 10 },
      { type: 'cancel', id: 2 },
    ]);
    expect(fallback.waiting).toBe(0);
  });

  it('moves waiting timers to the fallback, with the time they have left, when the worker breaks', async () => {
    const fallback = createVirtualClock();
    const { worker, breakDown, isTerminated } = deafWorker();
    const clock = createWorkerClock({ fallback, createWorker: () => worker });
    const ranAtMs: number[] = [];
    clock.after(100, () => ranAtMs.push(fallback.monotonicMs()));
    await fallback.advance(60);
    breakDown();
    await fallback.advance(1_000);
    expect(ranAtMs).toEqual([100]);
    expect(isTerminated()).toBe(true);
  });

  it('runs nothing after it was stopped', async () => {
    const fallback = createVirtualClock();
    const { worker, say, isTerminated } = deafWorker();
    const clock = createWorkerClock({ fallback, createWorker: () => worker });
    let ran = false;
    clock.after(10, () => (ran = true));
    clock.stop();
    say({ type: 'fired', id: 1 });
    clock.after(10, () => (ran = true));
    await fallback.advance(100);
    expect(ran).toBe(false);
    expect(isTerminated()).toBe(true);
  });
});
