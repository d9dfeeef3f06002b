import fc from 'fast-check';
import { expect, test } from 'vitest';
import { traceWith, STEPS } from '#tests/fakes/trace';
import { utf8 } from '../base/bytes';
import { unwrap } from '../base/result';
import { appendTrace, hashOf, readRows, readTraces, rewriteTraces } from './trace-file';
import { readTrace, traceRow, withoutWords, type Trace } from './trace';

const row = (change: Record<string, unknown>): string => `${JSON.stringify({ ...traceWith(), ...change })}\n`;
const file = traceRow(traceWith());

test('a trace that breaks its form is refused before the file is touched', () => {
  for (const change of [
    { steps: [{ ...STEPS[1], expert: 7 }] },
    { chosen: [7] },
    { candidates: 'everyone' },
    { failure: undefined },
    { more: 1 },
  ]) {
    expect(appendTrace(file, { ...traceWith(), ...change })).toMatchObject({ ok: false, error: { code: 'malformed' } });
  }
  expect(unwrap(appendTrace(file, traceWith({ traceId: 'trace-2' })))).toBe(
    file + traceRow(traceWith({ traceId: 'trace-2' })),
  );
  expect(unwrap(appendTrace(file.trimEnd(), traceWith()))).toBe(file + file);
});

test('another version, and a kind of step that is not known, are refused and never guessed at', () => {
  for (const unknown of [
    { ...traceWith(), v: 2 },
    { ...traceWith(), steps: [...STEPS, { type: 'praised', at: 70 }] },
  ]) {
    expect(readTrace(unknown)).toMatchObject({ ok: false, error: { code: 'unknown_version' } });
  }
});

test('a wrong field passes a plain read of the rows, and no read as traces', () => {
  const wrong = utf8(file + row({ candidates: 'everyone' }));
  expect(unwrap(readRows(wrong))).toHaveLength(2);
  expect(readTraces(wrong)).toMatchObject({ ok: false, error: { code: 'malformed' } });
  expect(readTraces(wrong)).toMatchObject({ error: { message: expect.stringMatching(/^Line 2: .*candidates/) } });
});

test('a row that is no JSON, or no object, refuses the whole rewrite; blank lines are no rows', () => {
  for (const bad of ['not json', '[]', '1', '{"type":"trace"', '{"__proto__":1}']) {
    const source = utf8(`${file}\n${bad}\n`);
    expect(rewriteTraces(source, 'a', 'b').ok).toBe(false);
  }
  expect(readRows(utf8('not json')).ok).toBe(false);
  expect(unwrap(rewriteTraces(utf8(`\n${file}\n  \n`), 'a', 'b')).manifest.rowCount).toBe(1);
});

test('a row that nests without end, or an object without end in it, refuses the whole file with its line', () => {
  for (const [bad, code] of [
    [`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'too_deep'],
    [`{"a":{"a":0${',"a":0'.repeat(500_000)}}}`, 'too_large'],
  ] as const) {
    const source = utf8(`${file}${bad}\n`);
    for (const read of [readRows(source), readTraces(source), rewriteTraces(source, 'a', 'b')]) {
      expect(read).toMatchObject({ ok: false, error: { code, message: expect.stringMatching(/^Line 2: .*\.$/) } });
    }
  }
});

test('a rewrite gives the same bytes whatever the order of keys and the white space were', () => {
  const shuffled = JSON.stringify(Object.fromEntries(Object.entries(traceWith()).reverse()), null, 1).replace(
    /\n/g,
    ' ',
  );
  const { text, manifest } = unwrap(rewriteTraces(utf8(`${shuffled}\n`), 'traces.jsonl', 'out.jsonl'));
  expect(text).toBe(file);
  expect(manifest).toEqual({
    sourcePath: 'traces.jsonl',
    outputPath: 'out.jsonl',
    rowCount: 1,
    sourceHash: hashOf(`${shuffled}\n`),
    outputHash: hashOf(file),
    rowsHash: hashOf(file),
  });
  const again = unwrap(rewriteTraces(utf8(text), 'out.jsonl', 'twice.jsonl'));
  expect(again.text).toBe(text);
  expect(unwrap(rewriteTraces(utf8(''), 'a', 'b')).manifest).toMatchObject({ rowCount: 0, sourceHash: hashOf('') });
});

test('what is written is what was read, numbers, words and all', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  fc.assert(
    fc.property(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(1e9), (words, value, at) => {
      const steps: Trace['steps'] = [
        { type: 'chosen', expert: traceWith().chosen[0]!, reasons: [{ text: words, value: value + 0 }], at },
        { type: 'token', expert: traceWith().chosen[0]!, ids: [at], text: words, at },
      ];
      const trace = traceWith({ steps });
      expect(unwrap(readTraces(utf8(traceRow(trace))))).toEqual([trace]);
    }),
    { numRuns: 100 },
  );
});

test('without words a trace keeps its form and none of its text', () => {
  const closed = withoutWords(traceWith());
  expect(unwrap(readTrace(closed))).toEqual(closed);
  expect(traceRow(closed)).not.toMatch(/"text":"(Ta|bs|b)"|"ids"/);
  // Half open is neither.
  expect(readTrace({ ...closed, words: 'open' }).ok).toBe(false);
  expect(readTrace({ ...traceWith(), words: 'closed' }).ok).toBe(false);
});
