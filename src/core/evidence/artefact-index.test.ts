import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { utf8 } from '../base/bytes';
import { unwrap } from '../base/result';
import { INDEX, INDEX_TEXT, type Files } from './artefacts';
import { indexOf, indexSchema, indexText, metadataReport, type ArtefactIndex } from './artefact-index';
import { documentBytes, readDocument } from './documents';

const filesWith = (index: unknown, text = indexText(false)): Files =>
  new Map([
    [INDEX, documentBytes(index)],
    [INDEX_TEXT, utf8(text)],
  ]);
const generated = indexOf(false);
const without = (path: string): ArtefactIndex => {
  const artefacts = generated.artefacts.filter((one) => one.path !== path);
  return { ...generated, artefactCount: artefacts.length, artefacts };
};

test('the generated index and its text pass', () => {
  expect(unwrap(metadataReport(filesWith(generated)))).toMatchObject({
    ok: true,
    jsonIndex: { artefactCount: 19, uniquePathCount: 19 },
    drift: { expectedCount: 19, indexedCount: 19 },
  });
});

test('an index made by hand passes its schema and fails the check against the generated one', () => {
  const byHand = filesWith({
    ...generated,
    artefacts: generated.artefacts.map((one, index) => (index === 0 ? { ...one, purpose: 'something else' } : one)),
  });
  expect(readDocument(indexSchema, byHand, INDEX).ok).toBe(true);
  expect(unwrap(metadataReport(byHand))).toMatchObject({
    ok: false,
    jsonIndex: { matchesGenerated: false },
    textIndex: { ok: true },
    drift: { ok: true },
  });
});

test('a count that is not that of the list, or another version, is no index', () => {
  expect(metadataReport(filesWith({ ...generated, artefactCount: 18 }))).toMatchObject({
    error: { code: 'malformed' },
  });
  expect(metadataReport(filesWith({ ...generated, v: 2 }))).toMatchObject({ error: { code: 'unknown_version' } });
});

test('a path that is missing, added or told twice, and a sealed file that nothing verifies, are named', () => {
  expect(unwrap(metadataReport(filesWith(without('traces.jsonl')))).drift).toMatchObject({
    ok: false,
    missingPaths: ['traces.jsonl'],
  });
  const [first, ...rest] = generated.artefacts as [ArtefactIndex['artefacts'][number], ...ArtefactIndex['artefacts']];
  const extra = { ...generated, artefacts: [{ ...first, path: 'extra.json', verifier: 'nobody' }, first, ...rest] };
  expect(unwrap(metadataReport(filesWith({ ...extra, artefactCount: 20 }))).drift).toMatchObject({
    ok: false,
    extraPaths: ['extra.json'],
    sealedWithoutVerifier: ['extra.json'],
  });
  const twice = { ...generated, artefactCount: 20, artefacts: [first, ...generated.artefacts] };
  expect(unwrap(metadataReport(filesWith(twice)))).toMatchObject({
    ok: false,
    jsonIndex: { uniquePathCount: 19, ok: false },
  });
});

test('a text that differs by one byte fails', () => {
  const text = indexText(false).replace('Purpose', 'purpose');
  expect(unwrap(metadataReport(filesWith(generated, text)))).toMatchObject({ ok: false, textIndex: { ok: false } });
});

test('the page of the specification holds the same table, between its markers', () => {
  const page = readFileSync(new URL('../../../docs/spec/evidence.md', import.meta.url), 'utf8');
  const marked = /<!-- artefacts: begin -->\n([\s\S]*?)<!-- artefacts: end -->/.exec(page)?.[1];
  const cells = (text: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(cells(marked ?? '')).toEqual(cells(indexText(true)));
});
