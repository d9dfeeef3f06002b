import { expect, test } from 'vitest';
import { createStatsHandler } from './handler';

test('the counters are read when they are asked for', async () => {
  let callsServed = 0;
  const handler = createStatsHandler(() => ({ callsMade: 0, callsServed, refused: {}, serving: 0, links: 0 }));
  const context = {
    caller: 'a'.repeat(64),
    local: false,
    callId: 'c',
    signal: new AbortController().signal,
    emit: () => {},
  };
  callsServed = 7;
  expect(await handler({}, context)).toMatchObject({ ok: true, value: { callsServed: 7 } });
});
