import { hex, utf8, utf8Decode } from '../base/bytes';
import { sha256 } from '../base/canonical';
import { fail, ok, type Result } from '../base/result';
import { parseJsonThrough } from '../wire/parse-json-through';
import * as v from 'valibot';
import { readTrace, traceRow, type Trace } from './trace';

/** A trace with the longest answer and all its words stays below this. */
const MAX_ROW_CHARACTERS = 4 * 1024 * 1024;
/** Rows of one file: more belong into another bundle. */
export const MAX_ROWS = 10_000;

/** What a canonical rewrite was made of and what it gave. The hashes are SHA-256 in hex; of nothing, that of no bytes. */
export interface RewriteManifest {
  readonly sourcePath: string;
  readonly outputPath: string;
  readonly rowCount: number;
  readonly sourceHash: string;
  readonly outputHash: string;
  /** Over the canonical rows, one after the other: equal to `outputHash` after every rewrite. */
  readonly rowsHash: string;
}

export const hashOf = (text: string): string => hex(sha256(utf8(text)));

/** The rows of a file of JSON lines; blank lines are none. Fails with `undecodable` (not UTF-8) and `too_large`. */
export function rowsOf(bytes: Uint8Array): Result<readonly { readonly line: number; readonly text: string }[]> {
  let text: string;
  try {
    text = utf8Decode(bytes);
  } catch {
    return fail('undecodable', 'The file is not UTF-8 text.');
  }
  const rows = text
    .split('\n')
    .map((row, index) => ({ line: index + 1, text: row }))
    .filter((row) => row.text.trim() !== '');
  return rows.length > MAX_ROWS ? fail('too_large', `The file has more than ${MAX_ROWS} rows.`) : ok(rows);
}

const anyObject = v.record(v.string(), v.unknown());

/** Every row as an object, whatever it says: to look into a file that does not hold what it should. */
export function readRows(bytes: Uint8Array): Result<readonly Readonly<Record<string, unknown>>[]> {
  return eachRow(bytes, (text) => parseJsonThrough(anyObject, text, MAX_ROW_CHARACTERS));
}

/** Every row as a trace. The first one that is none refuses the whole file, with its line. */
export function readTraces(bytes: Uint8Array): Result<readonly Trace[]> {
  return eachRow(bytes, (text) => {
    const row = parseJsonThrough(anyObject, text, MAX_ROW_CHARACTERS);
    return row.ok ? readTrace(row.value) : row;
  });
}

/** What `read` makes of each row; a failure says the line. */
export function eachRow<T>(bytes: Uint8Array, read: (text: string) => Result<T>): Result<readonly T[]> {
  const rows = rowsOf(bytes);
  if (!rows.ok) return rows;
  const out: T[] = [];
  for (const { line, text } of rows.value) {
    const value = read(text);
    if (!value.ok) return fail(value.error.code, `Line ${line}: ${value.error.message}`);
    out.push(value.value);
  }
  return ok(out);
}

/** The file with one trace more at its end. The trace is checked before anything else: a bad one leaves nothing to write. */
export function appendTrace(fileText: string, trace: unknown): Result<string> {
  const read = readTrace(trace);
  if (!read.ok) return read;
  const ended = fileText === '' || fileText.endsWith('\n') ? fileText : `${fileText}\n`;
  return ok(ended + traceRow(read.value));
}

/** The same traces in canonical rows, with a manifest of the rewrite. A bad row refuses the whole. */
export function rewriteTraces(
  source: Uint8Array,
  sourcePath: string,
  outputPath: string,
): Result<{ readonly text: string; readonly manifest: RewriteManifest; readonly traces: readonly Trace[] }> {
  const traces = readTraces(source);
  if (!traces.ok) return traces;
  const rows = traces.value.map(traceRow);
  const text = rows.join('');
  const manifest: RewriteManifest = {
    sourcePath,
    outputPath,
    rowCount: rows.length,
    sourceHash: hex(sha256(source)),
    outputHash: hashOf(text),
    rowsHash: hashOf(text),
  };
  return ok({ text, manifest, traces: traces.value });
}
