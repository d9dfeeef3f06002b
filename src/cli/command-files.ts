import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readTextFile } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import { MAX_DOCUMENT_CHARACTERS } from '#core/jobs/batch/read-document';
import type { CommandInput } from './command';

/** A file that was read: its text as it was, null when there was none, and what it says. */
export interface ReadFile<T> {
  readonly path: string;
  readonly text: string | null;
  readonly value: T;
}

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

/** A document that must be there. A fault names the file; code `no_file` when there is none. */
export async function readRequired<T>(
  path: string,
  what: string,
  parse: (text: string) => Result<T>,
  maxBytes = 4 * MAX_DOCUMENT_CHARACTERS,
): Promise<Result<ReadFile<T>>> {
  const read = await readOptional(path, parse, maxBytes);
  if (!read.ok) return read;
  const { text, value } = read.value;
  return value === null ? fail('no_file', `There is no ${what} at ${path}.`) : ok({ path, text, value });
}

/** A document that may not be there yet, or that nobody asked for (no path): then null. A fault names the file. */
export async function readOptional<T>(
  path: string | null,
  parse: (text: string) => Result<T>,
  maxBytes = 4 * MAX_DOCUMENT_CHARACTERS,
): Promise<Result<ReadFile<T | null>>> {
  if (path === null) return ok({ path: '', text: null, value: null });
  const text = await readTextFile(path, maxBytes);
  if (!text.ok) return text;
  if (text.value === null) return ok({ path, text: null, value: null });
  const parsed = parse(text.value);
  return parsed.ok ? ok({ path, text: text.value, value: parsed.value }) : inFile(path, parsed.error);
}

export const inFile = (path: string, { code, message }: Failure) => fail(code, `${path}: ${message}`);

/** Refuses to write a document that no program would read again. Code `file_full`. */
export const writable = (path: string, text: string): Result<string> =>
  text.length > MAX_DOCUMENT_CHARACTERS ? fail('file_full', `${path} would be too large; use another file.`) : ok(text);
