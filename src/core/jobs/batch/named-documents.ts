import { fail, ok, type Failure, type Result } from '../../base/result';
import { MAX_DOCUMENT_CHARACTERS } from './read-document';

/** Reads the text of one document by its path; null when there is none. */
export type TextReader = (path: string) => Promise<Result<string | null>>;

/** A document that was read: its text as it was, null when there was none, and what it says. */
export interface NamedDocument<T> {
  readonly path: string;
  readonly text: string | null;
  readonly value: T;
}

/** A document to write whole. */
export interface DocumentWrite {
  readonly path: string;
  readonly text: string;
  /** What it held when it was read (null: it was not there), where that must still be so when it is written. */
  readonly readAs?: string | null;
}

/** A document that must be there; `what` names it. A fault names its path; code `no_file` when there is none. */
export async function requireDocument<T>(
  read: TextReader,
  path: string,
  what: string,
  parse: (text: string) => Result<T>,
): Promise<Result<NamedDocument<T>>> {
  const document = await readDocumentAt(read, path, parse);
  if (!document.ok) return document;
  const { text, value } = document.value;
  return value === null ? fail('no_file', `There is no ${what} at ${path}.`) : ok({ path, text, value });
}

/** A document that may not be there yet, or that nobody asked for (no path): then null. A fault names its path. */
export async function readDocumentAt<T>(
  read: TextReader,
  path: string | null,
  parse: (text: string) => Result<T>,
): Promise<Result<NamedDocument<T | null>>> {
  if (path === null) return ok({ path: '', text: null, value: null });
  const text = await read(path);
  if (!text.ok) return text;
  if (text.value === null) return ok({ path, text: null, value: null });
  const parsed = parse(text.value);
  return parsed.ok ? ok({ path, text: text.value, value: parsed.value }) : inFile(path, parsed.error);
}

/** A failure of what stands in a document, in a sentence that begins with its path. */
export const inFile = (path: string, { code, message }: Failure) => fail(code, `${path}: ${message}`);

/** Refuses to write documents that no program would read again. Code `file_full`. */
export function writable<T extends DocumentWrite>(writes: readonly T[]): Result<readonly T[]> {
  const full = writes.find(({ text }) => text.length > MAX_DOCUMENT_CHARACTERS);
  return full ? fail('file_full', `${full.path} would be too large; use another file.`) : ok(writes);
}
