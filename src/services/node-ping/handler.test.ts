import { expect, test } from 'vitest';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createPingHandler } from './handler';

test('a ping comes back with its echo and the time of the node', async () => {
  const clock = createVirtualClock();
  const handler = createPingHandler(clock);
  const context = {
    caller: 'a'.repeat(64),
    local: false,
    callId: 'c',
    signal: new AbortController().signal,
    emit: () => {},
  };
  expect(await handler({ echo: 'hello' }, context)).toEqual({ ok: true, value: { echo: 'hello', at: clock.now() } });
  expect(await handler({}, context)).toEqual({ ok: true, value: { echo: null, at: clock.now() } });
});
