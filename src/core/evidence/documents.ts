import * as v from 'valibot';
import { utf8, utf8Decode } from '../base/bytes';
import { jsonText } from '../base/json-text';
import { fail, ok, type Result } from '../base/result';
import { type Schema } from '../wire/gate';
import { parseJsonThrough } from '../wire/parse-json-through';
import {
  BUNDLE_MANIFEST,
  CANONICAL_TRACES,
  hasWords,
  PIPELINE_RESULT,
  REWRITE_MANIFEST,
  sourcesOf,
  STATEMENTS,
  SUMMARY,
  TRACE_REPORT,
  TRACES,
  OPENINGS,
  RECEIPTS,
  VERIFY_REPORT,
  type Files,
} from './artefacts';
import { checkFiles, listFile, listWithCid, listedFileSchema, type FilesCheck } from './check-files';
import { NO_OPENINGS, readOpenings, type Openings } from './openings';
import { replayTrace, type Replay } from './replay-trace';
import { readReceipts, readStatements, type ReadReceipt, type ReadStatement } from './statement-file';
import { rewriteTraces, type RewriteManifest } from './trace-file';
import type { Trace } from './trace';

/** No document of a bundle comes near this. */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** A document's text: keys in code point order, two spaces, one line feed at the end. The same data, the same bytes. */
export const documentText = (value: unknown): string => `${jsonText(value, { indent: 2, sortKeys: true })}\n`;

export const documentBytes = (value: unknown): Uint8Array<ArrayBuffer> => utf8(documentText(value));

/** A document behind its text. Codes of the gate, `missing_artefact`. */
export function readDocument<T>(schema: Schema<T>, files: Files, path: string): Result<T> {
  const text = textOf(files, path);
  return text.ok ? parseJsonThrough(schema, text.value, MAX_DOCUMENT_BYTES) : text;
}

export function textOf(files: Files, path: string): Result<string> {
  const bytes = files.get(path);
  if (bytes === undefined) return fail('missing_artefact', `${path} is missing.`);
  try {
    return ok(utf8Decode(bytes));
  } catch {
    return fail('undecodable', `${path} is not UTF-8 text.`);
  }
}

/** Which files the evidence has. */
export interface EvidenceSummary {
  readonly artefactCount: number;
  readonly missingCount: number;
  readonly missing: readonly string[];
  readonly artefacts: readonly { readonly path: string; readonly exists: boolean; readonly sizeBytes: number }[];
}

/** What the traces say together. Lists are sorted, each entry once. */
export interface TraceReport {
  readonly path: string;
  readonly rowCount: number;
  readonly capabilities: readonly string[];
  readonly chosenExperts: readonly string[];
  readonly fileHash: string;
  readonly rowsHash: string;
  readonly replays: readonly Replay[];
  readonly differenceCount: number;
}

export interface BundleManifest {
  readonly artefactCount: number;
  readonly artefacts: readonly ReturnType<typeof listWithCid>[];
}

export const bundleManifestSchema = v.strictObject({
  artefactCount: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  artefacts: v.array(v.strictObject({ ...listedFileSchema.entries, cid: v.string() })),
});

/** The sources, read: everything else in a bundle follows from them. */
export interface ReadSources {
  readonly traces: readonly Trace[];
  readonly statements: ReadonlyMap<string, ReadStatement>;
  readonly receipts: ReadonlyMap<string, ReadReceipt>;
  readonly openings: Openings;
}

export function summarise(files: Files, paths: readonly string[]): EvidenceSummary {
  const missing = paths.filter((path) => !files.has(path));
  return {
    artefactCount: paths.length,
    missingCount: missing.length,
    missing,
    artefacts: paths.map((path) => ({ path, exists: files.has(path), sizeBytes: files.get(path)?.length ?? 0 })),
  };
}

/** Fails with `missing_artefact` and names every file that the summary misses. */
export function requireAll(summary: EvidenceSummary): Result<void> {
  if (summary.missingCount === 0) return ok(undefined);
  return fail('missing_artefact', `The evidence is not whole: ${summary.missing.join(', ')} missing.`);
}

/** The sources through the gate, each row. A message says the file and the line. */
export function readSources(files: Files): Result<ReadSources & { readonly rewritten: Rewritten }> {
  const whole = requireAll(summarise(files, sourcesOf(hasWords(files))));
  if (!whole.ok) return whole;
  const bytes = (path: string): Uint8Array => files.get(path)!;
  const rewritten = rewriteTraces(bytes(TRACES), TRACES, CANONICAL_TRACES);
  if (!rewritten.ok) return inFile(TRACES, rewritten.error);
  const statements = readStatements(bytes(STATEMENTS));
  if (!statements.ok) return inFile(STATEMENTS, statements.error);
  const receipts = readReceipts(bytes(RECEIPTS));
  if (!receipts.ok) return inFile(RECEIPTS, receipts.error);
  const openings = hasWords(files) ? readOpenings(bytes(OPENINGS)) : ok(NO_OPENINGS);
  if (!openings.ok) return inFile(OPENINGS, openings.error);
  const { traces } = rewritten.value;
  if (traces.length + receipts.value.length === 0)
    return fail('empty_evidence', 'There is no trace and no receipt: nothing that could be evidence.');
  const twice = [
    repeated(traces, ({ traceId }) => traceId, TRACES),
    repeated(statements.value, ({ id }) => id, STATEMENTS),
    repeated(receipts.value, ({ id }) => id, RECEIPTS),
    repeated(openings.value.requests, ({ traceId }) => traceId, OPENINGS),
    repeated(openings.value.jobs, ({ commitment }) => commitment, OPENINGS),
  ].find((message) => message !== null);
  if (twice !== undefined) return fail('stands_twice', twice);
  const known = new Map(statements.value.map((one) => [one.id, one]));
  // What no trace names would be held against nothing, and shown all the same.
  const stray =
    openings.value.requests.some(({ traceId }) => !traces.some((trace) => trace.traceId === traceId)) ||
    openings.value.jobs.some(({ commitment }) => !traces.some(({ commitments }) => commitments.includes(commitment)));
  if (stray) return fail('opening_differs', `${OPENINGS}: an opening is of nothing that lies here.`);
  return ok({
    rewritten: rewritten.value,
    traces,
    statements: known,
    receipts: new Map(receipts.value.map((one) => [one.id, one])),
    openings: openings.value,
  });
}

/** One of two that say they are the same would hide the other. */
function repeated<T>(all: readonly T[], idOf: (one: T) => string, path: string): string | null {
  const ids = all.map(idOf);
  const id = ids.find((one, index) => ids.indexOf(one) !== index);
  return id === undefined ? null : `${path}: ${id} stands there twice.`;
}

const inFile = (path: string, error: { readonly code: string; readonly message: string }) =>
  fail(error.code, `${path}: ${error.message}`);

interface Rewritten {
  readonly text: string;
  readonly manifest: RewriteManifest;
  readonly traces: readonly Trace[];
}

export function reportTraces(sources: ReadSources, manifest: RewriteManifest): TraceReport {
  const replays = sources.traces.map((trace) => replayTrace(trace, sources));
  return {
    path: manifest.outputPath,
    rowCount: manifest.rowCount,
    capabilities: sortedOnce(sources.traces.map(({ capability }) => capability)),
    chosenExperts: sortedOnce(sources.traces.flatMap(({ chosen }) => chosen)),
    fileHash: manifest.outputHash,
    rowsHash: manifest.rowsHash,
    replays,
    differenceCount: replays.reduce((sum, { differences }) => sum + differences.length, 0),
  };
}

const sortedOnce = (texts: readonly string[]): string[] => [...new Set(texts)].sort();

/**
 * Everything that follows from the sources, stage by stage: canonical rewrite, trace report, summary, bundle manifest,
 * verification, result. The same sources give the same bytes, so whoever has the sources can hold the documents against them.
 * Codes: `missing_artefact` (before anything is bundled), those of the gate, `trace_differs` when a trace does not replay.
 */
export function buildDocuments(sourceFiles: Files): Result<Files> {
  const sources = readSources(sourceFiles);
  if (!sources.ok) return sources;
  const report = reportTraces(sources.value, sources.value.rewritten.manifest);
  const differing = report.replays.find(({ differences }) => differences.length > 0);
  if (differing !== undefined)
    return fail(
      'trace_differs',
      `The trace ${differing.traceId} does not replay: ${differing.differences[0]!.message}`,
    );

  const withWords = hasWords(sourceFiles);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const path of sourcesOf(withWords)) files.set(path, sourceFiles.get(path)!);
  files.set(CANONICAL_TRACES, utf8(sources.value.rewritten.text));
  files.set(REWRITE_MANIFEST, documentBytes(sources.value.rewritten.manifest));
  files.set(TRACE_REPORT, documentBytes(report));

  const summary = summarise(files, [...sourcesOf(withWords), CANONICAL_TRACES, REWRITE_MANIFEST, TRACE_REPORT]);
  const whole = requireAll(summary);
  if (!whole.ok) return whole;
  files.set(SUMMARY, documentBytes(summary));

  const manifest = bundleManifest(files, [...summary.artefacts.map(({ path }) => path), SUMMARY]);
  files.set(BUNDLE_MANIFEST, documentBytes(manifest));
  const verified = verifyBundleManifest(files);
  if (!verified.ok) return verified;
  files.set(VERIFY_REPORT, documentBytes(verified.value));

  const built = [...files.keys()].filter((path) => path !== RECEIPTS);
  files.set(
    PIPELINE_RESULT,
    documentBytes({
      ok: verified.value.ok,
      artefacts: built,
      documents: built.map((path) => listFile(path, files.get(path)!)),
      traceCount: report.rowCount,
      differenceCount: report.differenceCount,
      missingCount: summary.missingCount,
      failureCount: verified.value.failureCount,
    }),
  );
  return ok(files);
}

export function bundleManifest(files: Files, paths: readonly string[]): BundleManifest {
  const artefacts = paths.map((path) => listWithCid(path, files.get(path)!));
  return { artefactCount: artefacts.length, artefacts };
}

/** The bundle manifest among the files, held against them. Codes of the gate, `missing_artefact`. */
export function verifyBundleManifest(files: Files): Result<FilesCheck & { readonly manifestPath: string }> {
  const manifest = readDocument(bundleManifestSchema, files, BUNDLE_MANIFEST);
  if (!manifest.ok) return manifest;
  const { artefacts, artefactCount } = manifest.value;
  return ok({ manifestPath: BUNDLE_MANIFEST, ...checkFiles(artefacts, artefactCount, files) });
}
