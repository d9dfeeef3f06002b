import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { keywordExtractUnits } from './contract';
import { keywordExtractHandler } from './handler';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'call',
  signal: new AbortController().signal,
  emit: () => {},
};

test('terms come by count down, then term up, without stop words', async () => {
  expect(
    await keywordExtractHandler({ text: 'The node, the mesh: a NODE of 9 and 10 meshes', limit: 3 }, context),
  ).toEqual({
    ok: true,
    value: {
      keywords: [
        { term: 'node', count: 2 },
        { term: '10', count: 1 },
        { term: '9', count: 1 },
      ],
      unique_terms: 5,
      total_terms: 6,
    },
  });
});

test('counts add up and the order holds for any text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'C', '1', 'the', 'İ', '😀')), async (words) => {
      fc.pre(words.length > 0);
      const output = unwrap(await keywordExtractHandler({ text: words.join(' '), limit: 50 }, context));
      expect(output.keywords.reduce((sum, { count }) => sum + count, 0)).toBe(output.total_terms);
      expect(output.keywords).toHaveLength(output.unique_terms);
      const sorted = [...output.keywords].sort((x, y) => y.count - x.count || (x.term < y.term ? -1 : 1));
      expect(output.keywords).toEqual(sorted);
    }),
  );
});

test('units are one and one per begun five keywords, at most five', () => {
  const unitsFor = (length: number) =>
    keywordExtractUnits({
      keywords: Array.from({ length }, () => ({ term: 't', count: 1 })),
      unique_terms: 0,
      total_terms: 0,
    });
  expect([0, 1, 5, 6, 20, 21, 50].map(unitsFor)).toEqual([1, 2, 2, 3, 5, 5, 5]);
});

test('a blank text or a limit that is no integer from 1 to 50 fails', async () => {
  for (const payload of [
    {},
    { text: ' ' },
    ...[0, 51, true, 1.5, '3', null, Object(3)].map((limit: unknown) => ({ text: 'x', limit })),
  ]) {
    expect(await keywordExtractHandler(payload, context)).toMatchObject({ ok: false, error: { code: 'bad_payload' } });
  }
});
