import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail, ok, type Result } from '#core/base/result';

/** As for any new file: everyone may read it, less what the process's mask forbids. */
const NEW_FILE_MODE = 0o666;
const SECRET_FILE_MODE = 0o600;
/** Folders within folders that are looked into. */
const MAX_FOLDER_DEPTH = 8;

/** One file to write whole. */
export interface FileWrite {
  readonly path: string;
  /** Text is written as UTF-8. */
  readonly text: string | Uint8Array;
  /** What the file held when it was read (null: it was not there); the write is refused when that changed meanwhile. */
  readonly readAs?: string | null;
  /** True for a file that only its owner may read. */
  readonly secret?: true;
}

/**
 * A file's text, or null when there is no such file. Fails with `unreadable_file` when it cannot be read, is larger
 * than `maxBytes`, or is not UTF-8.
 */
export async function readTextFile(path: string, maxBytes: number): Promise<Result<string | null>> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return fail('unreadable_file', `${path} is not a file.`);
    if (found.size > maxBytes) return fail('unreadable_file', `${path} is larger than ${maxBytes} bytes.`);
    const bytes = await readFile(path);
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ok(null);
    if (error instanceof TypeError) return fail('unreadable_file', `${path} is not UTF-8 text.`);
    return fail('unreadable_file', `${path} could not be read (${codeOf(error)}).`);
  }
}

/**
 * A file's bytes, or null when there is no such file. A link is not followed: what is read lies where its path says. Fails with
 * `unreadable_file` when it cannot be read or is larger than `maxBytes`.
 */
export async function readFileBytes(path: string, maxBytes: number): Promise<Result<Uint8Array<ArrayBuffer> | null>> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const found = await file.stat();
      if (!found.isFile()) return fail('unreadable_file', `${path} is not a file.`);
      if (found.size > maxBytes) return fail('unreadable_file', `${path} is larger than ${maxBytes} bytes.`);
      return ok(Uint8Array.from(await file.readFile()));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ok(null);
    return fail('unreadable_file', `${path} could not be read (${codeOf(error)}).`);
  }
}

/** True when there is a folder at this path. */
export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() === true;
}

/**
 * The files below a folder, as paths from it with `/`, in ascending order; links are left out and not followed. Fails with
 * `unreadable_folder` when it cannot be read or holds more than `maxFiles`.
 */
export async function listFiles(folder: string, maxFiles: number): Promise<Result<readonly string[]>> {
  const found: string[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    if (depth > MAX_FOLDER_DEPTH) return;
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      if (found.length > maxFiles) return;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path, depth + 1);
      else if (entry.isFile()) found.push(path);
    }
  };
  try {
    await walk('', 0);
  } catch (error) {
    return fail('unreadable_folder', `${folder} could not be read (${codeOf(error)}).`);
  }
  return found.length > maxFiles
    ? fail('unreadable_folder', `${folder} holds more than ${maxFiles} files.`)
    : ok(found.sort());
}

/**
 * Writes files whole: each into a new file beside its target that is flushed to the disk, and only when all of them
 * stand are they renamed over their targets, in the given order. Until then a failure changes no file and leaves none
 * behind; a reader sees the old content or the new, never a part. Missing folders are made, a target that is a link
 * keeps being one, a file keeps its mode. Codes `unwritable_file`, `file_changed`.
 */
export async function writeFiles(writes: readonly FileWrite[]): Promise<Result<void>> {
  const staged: { readonly from: string; readonly to: string }[] = [];
  let path = '';
  try {
    for (const write of writes) {
      path = write.path;
      const { to, mode } = await targetOf(path, write.secret === true ? SECRET_FILE_MODE : NEW_FILE_MODE);
      if (staged.some((other) => other.to === to)) throw because('it was named twice');
      const from = join(dirname(to), `.${basename(to)}.${randomUUID()}.tmp`);
      staged.push({ from, to });
      await writeThrough(from, write.text, mode);
    }
    for (const write of writes) {
      if (write.readAs === undefined) continue;
      path = write.path;
      const now = await readFile(path, 'utf8').catch((error: unknown) =>
        codeOf(error) === 'ENOENT' ? null : Promise.reject(error),
      );
      if (now !== write.readAs) {
        await discard(staged);
        return fail('file_changed', `${path} was changed by someone else meanwhile; nothing was written.`);
      }
    }
    for (const { from, to } of staged) {
      path = to;
      await rename(from, to);
    }
    return ok(undefined);
  } catch (error) {
    await discard(staged);
    return fail('unwritable_file', `${path} could not be written (${codeOf(error)}).`);
  }
}

/** Where the bytes really go; makes the folder, refuses a target that is no file. */
async function targetOf(path: string, newMode: number): Promise<{ readonly to: string; readonly mode: number }> {
  await mkdir(dirname(path), { recursive: true });
  const target = await realpath(path).catch((error: unknown) =>
    codeOf(error) === 'ENOENT' ? path : Promise.reject(error),
  );
  const found = await stat(target).catch(() => null);
  if (found && !found.isFile()) throw because('it is not a file');
  return { to: target, mode: found ? found.mode & 0o777 : newMode };
}

async function writeThrough(path: string, text: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What cannot be removed stays as a hidden file beside its target; the failure that led here is the one to tell. */
async function discard(staged: readonly { readonly from: string }[]): Promise<void> {
  for (const { from } of staged) await rm(from, { force: true }).catch(() => {});
}

const because = (reason: string): Error => Object.assign(new Error(reason), { code: reason });

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
