import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { countCodePoints } from '#core/base/text';
import { textChunkUnits } from './contract';
import { textChunkHandler } from './handler';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'call',
  signal: new AbortController().signal,
  emit: () => {},
};

test('a chunk ends before white space, else after the last white space inside, else at the limit', async () => {
  const chunksOf = async (text: string, max_chars: number) =>
    unwrap(await textChunkHandler({ text, max_chars }, context)).chunks.map((chunk) => chunk.text);
  expect(await chunksOf('hello mesh now', 5)).toEqual(['hello', ' mesh', ' now']);
  expect(await chunksOf('hello meshes', 5)).toEqual(['hello', ' ', 'meshe', 's']);
  expect(await chunksOf('ab cd efgh', 7)).toEqual(['ab cd ', 'efgh']);
  expect(await chunksOf('abcdefgh', 3)).toEqual(['abc', 'def', 'gh']);
  expect(await chunksOf('😀😀😀', 2)).toEqual(['😀😀', '😀']);
  expect(await chunksOf('', 2)).toEqual([]);
});

test('the chunks of any text joined give it back, none is empty or too long', async () => {
  const unit = fc.oneof(
    fc.constantFrom(' ', '\n', '\u3000', 'a', 'b', '😀'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit, maxLength: 400 }), fc.integer({ min: 1, max: 50 }), async (text, max_chars) => {
      const output = unwrap(await textChunkHandler({ text, max_chars }, context));
      expect(output.chunks.map((chunk) => chunk.text).join('')).toBe(text);
      expect(output.chunks.map((chunk) => chunk.index)).toEqual([...output.chunks.keys()]);
      expect(output.chunk_count).toBe(output.chunks.length);
      expect(output.character_count).toBe(countCodePoints(text));
      const lengths = output.chunks.map((chunk) => countCodePoints(chunk.text));
      expect(output.chunks.map((chunk) => chunk.character_count)).toEqual(lengths);
      expect(lengths.every((length) => length > 0 && length <= max_chars)).toBe(true);
    }),
  );
});

test('units are one and one per begun two chunks, at most five', () => {
  const unitsFor = (chunk_count: number) => textChunkUnits({ chunks: [], chunk_count, character_count: 0 });
  expect([0, 1, 2, 3, 8, 9, 99].map(unitsFor)).toEqual([1, 2, 2, 3, 5, 5, 5]);
});

test('a missing text or a length that is no integer from 1 to 1000 fails', async () => {
  for (const payload of [
    {},
    { text: 1 },
    ...[0, 1_001, false, 0.5, '3', null, Object(3)].map((max_chars: unknown) => ({ text: 'x', max_chars })),
  ]) {
    expect(await textChunkHandler(payload, context)).toMatchObject({ ok: false, error: { code: 'bad_payload' } });
  }
});
