import type { Clock } from '#core/base/ports';

/** The largest delay that `setTimeout` takes (a signed 32-bit number); a longer one waits in steps of this. */
const LONGEST_DELAY_MS = 2_147_483_647;

/** Time as the system has it. In a hidden tab its timers are clamped to one second and more. */
export function createSystemClock(): Clock {
  const clock: Clock = {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(delayMs, run) {
      let left = Math.max(0, delayMs);
      let handle: ReturnType<typeof setTimeout>;
      const arm = (): void => {
        const step = Math.min(left, LONGEST_DELAY_MS);
        left -= step;
        handle = setTimeout(left > 0 ? arm : run, step);
      };
      arm();
      return () => clearTimeout(handle);
    },
    every(periodMs, run) {
      const handle = setInterval(run, periodMs);
      return () => clearInterval(handle);
    },
  };
  return clock;
}
