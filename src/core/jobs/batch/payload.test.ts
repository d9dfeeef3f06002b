import { expect, test } from 'vitest';
import { checkAgainst } from '../../wire/gate';
import { MAX_PAYLOAD_BYTES, payloadSchema } from './payload';

const passes = (payload: unknown): boolean => checkAgainst(payloadSchema, payload).ok;

test('a contract lets bad payloads through to the job, which says what is wrong', () => {
  for (const payload of [{}, { text: 5 }, [], 'text', null, { limit: true }]) expect(passes(payload)).toBe(true);
});

test('a payload that cannot cross a link whole is refused', () => {
  expect(passes({ text: 'x'.repeat(MAX_PAYLOAD_BYTES - 4) })).toBe(true);
  expect(passes({ text: 'x'.repeat(MAX_PAYLOAD_BYTES - 3) })).toBe(false);
  expect(passes({ text: '€'.repeat(MAX_PAYLOAD_BYTES / 2) })).toBe(false);
  expect(passes({ documents: Array.from({ length: 3 }, () => ({ text: 'x'.repeat(MAX_PAYLOAD_BYTES / 2) })) })).toBe(
    false,
  );
  expect(passes({ text: 'a\ud800' })).toBe(false);
  expect(passes({ ['\udc00']: 1 })).toBe(false);
  let deep: unknown = 1;
  for (let level = 0; level < 50_000; level++) deep = [deep];
  expect(passes(deep)).toBe(false);
});
