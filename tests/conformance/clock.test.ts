import { describe, it } from 'vitest';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerClock } from '#adapters/clock-worker/worker-clock';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { clockCases, type ClockWorld } from './clock';

const worlds: Record<string, () => ClockWorld> = {
  'the system clock': () => ({ clock: createSystemClock(), until: (promise) => promise }),
  'the worker clock without workers': () => ({
    clock: createWorkerClock({
      fallback: createSystemClock(),
      createWorker() {
        throw new Error('no workers here');
      },
    }),
    until: (promise) => promise,
  }),
  'the virtual clock': () => {
    const clock = createVirtualClock();
    return { clock, until: (promise) => clock.runUntil(promise) };
  },
};

for (const [name, create] of Object.entries(worlds)) {
  describe(name, () => {
    it.each(clockCases)('$name', ({ run }) => run(create()));
  });
}
