import { expect, test } from 'vitest';
import { echoHandler } from './handler';
import { echoPayloadFault } from './run';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'call',
  signal: new AbortController().signal,
  emit: () => {},
};

test('a message comes back', async () => {
  expect(await echoHandler({ message: 'hé 😀' }, context)).toEqual({ ok: true, value: 'hé 😀' });
});

test('without a message the empty text comes back, and no valid result can come of it', async () => {
  expect(await echoHandler({}, context)).toEqual({ ok: true, value: '' });
  expect([{}, { message: 5 }, 'text'].map(echoPayloadFault)).toEqual(Array(3).fill('missing_payload_message'));
  expect(echoPayloadFault({ message: '' })).toBe(null);
});

test('what is no message fails in one line that the caller may read', async () => {
  for (const payload of [{ message: 5 }, { message: null }, 'text', null, []]) {
    const result = await echoHandler(payload, context);
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'bad_payload', peerMessage: expect.stringMatching(/^[^\n]+\.$/) },
    });
  }
});
