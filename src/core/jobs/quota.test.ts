import { expect, test } from 'vitest';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createHourlyQuota } from './quota';

test('each caller has its own count, and a new hour begins a new one', async () => {
  const clock = createVirtualClock();
  const quota = createHourlyQuota(clock, 2);
  expect([quota.take('a'), quota.take('a'), quota.take('a'), quota.take('b')]).toEqual([true, true, false, true]);
  await clock.advance(60 * 60 * 1000);
  expect(quota.take('a')).toBe(true);
});
