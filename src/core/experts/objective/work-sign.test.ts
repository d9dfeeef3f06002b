import { expect, it } from 'vitest';
import { NEXT_SIGN_MS } from '#core/jobs/lease';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { withSigns } from './work-sign';

it('work gives a sign at once and every second until it is done, well within what a lease waits', async () => {
  const clock = createVirtualClock();
  const at: number[] = [];
  let done: (value: string) => void = () => {};
  const result = withSigns(
    clock,
    () => at.push(clock.monotonicMs()),
    () => new Promise<string>((resolve) => (done = resolve)),
  );
  await clock.advance(2 * NEXT_SIGN_MS);
  const gaps = at.slice(1).map((time, index) => time - at[index]!);
  expect(at).toHaveLength(7);
  expect(Math.max(...gaps)).toBeLessThan(NEXT_SIGN_MS / 2);
  done('here');
  expect(await result).toBe('here');
  await clock.advance(NEXT_SIGN_MS);
  expect(at).toHaveLength(7);
});

it('work that throws gives no more signs', async () => {
  const clock = createVirtualClock();
  await expect(
    withSigns(
      clock,
      () => {},
      () => Promise.reject(new Error('our own fault')),
    ),
  ).rejects.toThrow('our own fault');
  expect(clock.waiting).toBe(0);
});
