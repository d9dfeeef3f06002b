import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readTextFile, writeFiles } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import {
  readDocumentAt,
  requireDocument,
  writable,
  type DocumentWrite,
  type TextReader,
} from '#core/jobs/batch/named-documents';
import { MAX_DOCUMENT_CHARACTERS } from '#core/jobs/batch/read-document';
import type { CommandInput } from './command';

/**
 * The paths behind the options of a command. `required` must be given, and no two may be one file, by whatever way it is reached:
 * what is read would be overwritten. Code `usage`.
 */
export async function pathsOf<Required extends string, Optional extends string>(
  input: CommandInput,
  required: readonly Required[],
  optional: readonly Optional[],
): Promise<Result<Readonly<Record<Required, string>> & Readonly<Record<Optional, string | null>>>> {
  const paths: Record<string, string | null> = {};
  const taken = new Map<string, string>();
  for (const option of [...required, ...optional]) {
    const given = input.options[option];
    if (given === undefined && required.includes(option as Required)) return fail('usage', `--${option} is missing.`);
    if (given === '') return fail('usage', `--${option} needs a path.`);
    paths[option] = typeof given === 'string' ? input.resolvePath(given) : null;
    if (paths[option] === null) continue;
    const real = await realPath(paths[option]);
    const other = taken.get(real);
    if (other !== undefined) return fail('usage', `--${other} and --${option} must be different files.`);
    taken.set(real, option);
  }
  return ok(paths as Readonly<Record<Required, string>> & Readonly<Record<Optional, string | null>>);
}

/** A path with the links on its way followed, as far as it exists. */
export async function realPath(path: string): Promise<string> {
  const found = await realpath(path).catch(() => null);
  if (found !== null) return found;
  const parent = dirname(path);
  return parent === path ? path : join(await realPath(parent), basename(path));
}

/** Any document of a batch, by the path of its file. */
export const readText: TextReader = (path) => readTextFile(path, 4 * MAX_DOCUMENT_CHARACTERS);

/** A document that must be there. A fault names the file; code `no_file` when there is none. */
export const readRequired = <T>(path: string, what: string, parse: (text: string) => Result<T>) =>
  requireDocument(readText, path, what, parse);

/** A document that may not be there yet, or that nobody asked for (no path): then null. A fault names the file. */
export const readOptional = <T>(path: string | null, parse: (text: string) => Result<T>) =>
  readDocumentAt(readText, path, parse);

/** Writes documents in their order, all of them or none. Codes of `writable` and `writeFiles`. */
export async function writeDocuments(writes: readonly DocumentWrite[]): Promise<Result<void>> {
  const fitting = writable(writes);
  return fitting.ok ? writeFiles(fitting.value) : fitting;
}
