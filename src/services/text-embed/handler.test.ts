import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { textEmbedUnits } from './contract';
import { textEmbedHandler } from './handler';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'call',
  signal: new AbortController().signal,
  emit: () => {},
};

test('each term adds one to the bucket that its SHA-256 names', async () => {
  const digest = createHash('sha256').update('mesh').digest();
  const output = unwrap(await textEmbedHandler({ text: 'Mesh, mesh the 😀', dimensions: 61 }, context));
  expect(output).toMatchObject({ dimensions: 61, token_count: 3, unique_terms: 2 });
  expect(output.vector[Number(digest.readBigUInt64BE(0) % 61n)]).toBe(2);
  expect(output.vector.reduce((sum, count) => sum + count, 0)).toBe(3);
});

test('a text without terms gives zeros', async () => {
  expect(await textEmbedHandler({ text: '日本', dimensions: 2 }, context)).toEqual({
    ok: true,
    value: { dimensions: 2, token_count: 0, unique_terms: 0, vector: [0, 0] },
  });
});

test('units are one, one per begun ten terms and one per begun sixteen dimensions, at most six', () => {
  const unitsFor = (token_count: number, dimensions: number) =>
    textEmbedUnits({ dimensions, token_count, unique_terms: 0, vector: [] });
  expect([
    unitsFor(0, 8),
    unitsFor(10, 16),
    unitsFor(11, 16),
    unitsFor(1, 17),
    unitsFor(10, 64),
    unitsFor(99, 64),
  ]).toEqual([2, 3, 4, 4, 6, 6]);
});

test('a blank text or dimensions that are no integer from 2 to 64 fail', async () => {
  for (const payload of [
    {},
    { text: '\u0085' },
    ...[1, 65, true, 2.5, '8', null, Object(8)].map((dimensions: unknown) => ({ text: 'x', dimensions })),
  ]) {
    expect(await textEmbedHandler(payload, context)).toMatchObject({ ok: false, error: { code: 'bad_payload' } });
  }
});
