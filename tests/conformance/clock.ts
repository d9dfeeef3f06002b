import type { Clock } from '#core/base/ports';

/** A clock under test and how its time passes: a virtual one is driven, a real one is waited for. */
export interface ClockWorld {
  readonly clock: Clock;
  /** Resolves with the promise, letting time pass meanwhile. */
  until<T>(promise: Promise<T>): Promise<T>;
}

export interface ClockCase {
  readonly name: string;
  run(world: ClockWorld): Promise<void>;
}

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

const fired = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(delayMs, resolve));

/** A timer may fire this much early: the system rounds its timers and its clock differently. */
const ROUNDING_MS = 2;

export const clockCases: readonly ClockCase[] = [
  {
    name: 'after runs once, not before its delay',
    async run({ clock, until }) {
      const startMs = clock.monotonicMs();
      let runs = 0;
      await until(new Promise<void>((resolve) => void clock.after(30, () => (runs++, resolve()))));
      assert(clock.monotonicMs() - startMs >= 30 - ROUNDING_MS, 'it ran too early');
      await until(fired(clock, 40));
      assert(runs === 1, `it ran ${runs} times`);
    },
  },
  {
    name: 'a cancelled timer never runs, and cancelling twice is harmless',
    async run({ clock, until }) {
      let ran = false;
      const cancel = clock.after(10, () => (ran = true));
      cancel();
      cancel();
      await until(fired(clock, 40));
      assert(!ran, 'it ran');
    },
  },
  {
    name: 'every repeats until it is cancelled, also from inside',
    async run({ clock, until }) {
      let runs = 0;
      await until(
        new Promise<void>((resolve) => {
          const cancel = clock.every(10, () => {
            runs++;
            if (runs === 3) {
              cancel();
              resolve();
            }
          });
        }),
      );
      await until(fired(clock, 40));
      assert(runs === 3, `it ran ${runs} times`);
    },
  },
  {
    name: 'timers run in the order of their due times, and in the order of arming when these are equal',
    async run({ clock, until }) {
      const order: string[] = [];
      clock.after(60, () => order.push('late'));
      clock.after(20, () => order.push('first'));
      clock.after(20, () => order.push('second'));
      await until(fired(clock, 90));
      assert(order.join() === 'first,second,late', `they ran as ${order.join()}`);
    },
  },
  {
    name: 'a delay of zero or less runs soon, but never at once',
    async run({ clock, until }) {
      let ran = false;
      const both = Promise.all(
        [0, -5].map(
          (delayMs) => new Promise<void>((resolve) => void clock.after(delayMs, () => ((ran = true), resolve()))),
        ),
      );
      assert(!ran, 'it ran before the caller went on');
      await until(both);
    },
  },
  {
    name: 'monotonic time never goes back, and now is a date',
    async run({ clock, until }) {
      let last = clock.monotonicMs();
      for (let step = 0; step < 5; step++) {
        await until(fired(clock, 5));
        const next = clock.monotonicMs();
        assert(next >= last, 'it went back');
        last = next;
      }
      assert(clock.now() > 1_700_000_000_000, 'now is not in this age');
    },
  },
];
