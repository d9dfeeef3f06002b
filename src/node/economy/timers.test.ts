import { expect, test } from 'vitest';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createTimers } from './timers';

test('nothing runs once timers are stopped, and none is left on the clock', async () => {
  const clock = createVirtualClock();
  const timers = createTimers(clock);
  let ran = 0;
  const run = (): void => void (ran += 1);
  timers.later(-1, run);
  await clock.advance(0);
  expect(ran).toBe(1);

  timers.later(10, run);
  timers.stop();
  timers.later(10, run);
  expect(clock.waiting).toBe(0);
  await clock.advance(100);
  expect(ran).toBe(1);
});
