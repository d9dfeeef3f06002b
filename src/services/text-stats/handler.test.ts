import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { countCodePoints, wordsOf } from '#core/base/text';
import { textStatsUnits } from './contract';
import { textStatsHandler } from './handler';

const context = {
  caller: 'a'.repeat(64),
  local: false,
  callId: 'call',
  signal: new AbortController().signal,
  emit: () => {},
};

test('characters are code points, lines are newlines and one, words have no white space', async () => {
  expect(await textStatsHandler({ text: '😀 a\u001cb\u2003\n' }, context)).toEqual({
    ok: true,
    value: { character_count: 7, word_count: 3, line_count: 2, normalized_preview: '😀 a b' },
  });
});

test('the preview never has more than 80 code points and never two white spaces together', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (text) => {
      const { normalized_preview: preview, word_count: words } = unwrap(await textStatsHandler({ text }, context));
      expect(countCodePoints(preview)).toBeLessThanOrEqual(80);
      expect(preview).not.toMatch(/\s\s|^\s/);
      expect(wordsOf(text)).toHaveLength(words);
    }),
  );
});

test('units are one and one per begun hundred characters, at most five', () => {
  const unitsFor = (character_count: number) =>
    textStatsUnits({ character_count, word_count: 1, line_count: 1, normalized_preview: '' });
  expect([0, 1, 100, 101, 400, 401, 9_999].map(unitsFor)).toEqual([1, 2, 2, 3, 5, 5, 5]);
});

test('without a text the job fails', async () => {
  for (const payload of [{}, { text: 5 }, { text: null }]) {
    expect(await textStatsHandler(payload, context)).toMatchObject({ ok: false, error: { code: 'bad_payload' } });
  }
});
