import * as v from 'valibot';
import { ok, type Result } from '../base/result';
import { artefactsOf, hasWords, INDEX, INDEX_TEXT, type Artefact, type Files } from './artefacts';
import { documentText, readDocument, textOf } from './documents';

/** Another table of artefacts is another version: a bundle is read by the table that it was made by, or refused. */
export const INDEX_VERSION = 1;

const entrySchema = v.strictObject({
  path: v.string(),
  producer: v.string(),
  schema: v.string(),
  verifier: v.string(),
  purpose: v.string(),
  sealStage: v.picklist(['first', 'second', 'none']),
  role: v.string(),
});

export const indexSchema = v.pipe(
  v.strictObject({
    v: v.literal(INDEX_VERSION),
    artefactCount: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    artefacts: v.pipe(v.array(entrySchema), v.maxLength(64)),
  }),
  v.check((index) => index.artefactCount === index.artefacts.length, 'the count is not that of the artefacts'),
);

export type ArtefactIndex = v.InferOutput<typeof indexSchema>;

const SEAL_WORDS = { first: 'first seal', second: 'second seal', none: 'not sealed' } as const;

/** The index for machines, made from the table of artefacts. */
export function indexOf(withWords: boolean): ArtefactIndex {
  const artefacts = artefactsOf(withWords).map(({ path, producer, schema, verifier, purpose, sealStage, role }) => ({
    path,
    producer,
    schema,
    verifier,
    purpose,
    sealStage,
    role,
  }));
  return { v: INDEX_VERSION, artefactCount: artefacts.length, artefacts };
}

/** The index for people: a Markdown table of the same. */
export function indexText(withWords: boolean): string {
  const rows = artefactsOf(withWords).map((one) => `| ${rowOf(one).join(' | ')} |`);
  return [
    '# Artefacts of an evidence bundle',
    '',
    'Made from the table in `src/core/evidence/artefacts.ts`; changed by hand it fails its check.',
    '',
    '| Path | Producer | Schema | Verified by | Purpose | Seal | Role |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

const rowOf = ({ path, producer, schema, verifier, purpose, sealStage, role }: Artefact): readonly string[] => [
  `\`${path}\``,
  producer,
  schema,
  verifier,
  purpose,
  SEAL_WORDS[sealStage],
  role,
];

/** Index, its text and the files held against the table and against each other. */
export interface MetadataReport {
  readonly indexPath: string;
  readonly textPath: string;
  readonly jsonIndex: {
    readonly indexVersion: number;
    readonly artefactCount: number;
    readonly uniquePathCount: number;
    readonly matchesGenerated: boolean;
    readonly ok: boolean;
  };
  readonly textIndex: { readonly matchesGenerated: boolean; readonly ok: boolean };
  readonly drift: {
    readonly expectedCount: number;
    readonly indexedCount: number;
    /** In the table, but not in the index. */
    readonly missingPaths: readonly string[];
    /** In the index, but not in the table. */
    readonly extraPaths: readonly string[];
    /** Under a seal, but not said to be verified by it. */
    readonly sealedWithoutVerifier: readonly string[];
    readonly ok: boolean;
  };
  readonly ok: boolean;
}

/** Checks the index and its text among the files. A hand-made index may have the right form and still not match. Codes of the gate. */
export function metadataReport(files: Files): Result<MetadataReport> {
  const withWords = hasWords(files);
  const index = readDocument(indexSchema, files, INDEX);
  if (!index.ok) return index;
  const json = textOf(files, INDEX);
  const text = textOf(files, INDEX_TEXT);
  if (!json.ok) return json;
  if (!text.ok) return text;
  const paths = index.value.artefacts.map(({ path }) => path);
  const expected = artefactsOf(withWords).map(({ path }) => path);
  const uniquePathCount = new Set(paths).size;
  const jsonMatches = json.value === documentText(indexOf(withWords));
  const textMatches = text.value === indexText(withWords);
  const drift = {
    expectedCount: expected.length,
    indexedCount: paths.length,
    missingPaths: expected.filter((path) => !paths.includes(path)),
    extraPaths: paths.filter((path) => !expected.includes(path)),
    sealedWithoutVerifier: index.value.artefacts
      .filter(({ sealStage, verifier }) => sealStage !== 'none' && !verifier.includes(SEAL_WORDS[sealStage]))
      .map(({ path }) => path),
  };
  const driftOk = drift.missingPaths.length + drift.extraPaths.length + drift.sealedWithoutVerifier.length === 0;
  const jsonOk = jsonMatches && uniquePathCount === paths.length;
  return ok({
    indexPath: INDEX,
    textPath: INDEX_TEXT,
    jsonIndex: {
      indexVersion: INDEX_VERSION,
      artefactCount: index.value.artefactCount,
      uniquePathCount,
      matchesGenerated: jsonMatches,
      ok: jsonOk,
    },
    textIndex: { matchesGenerated: textMatches, ok: textMatches },
    drift: { ...drift, ok: driftOk },
    ok: jsonOk && textMatches && driftOk,
  });
}
