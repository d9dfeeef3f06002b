import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Result } from '#core/base/result';

/** Folders within folders that are looked into. */
const MAX_DEPTH = 8;

export interface FolderLimits {
  readonly maxFiles: number;
  /** Of all files together. */
  readonly maxBytes: number;
}

/**
 * Every file below a folder, by its path from there with `/` between, ascending; null when there is no such folder. A link or
 * anything else that is neither file nor folder is refused: what is read lies where its path says. Codes `unreadable_folder`,
 * `too_large`.
 */
export async function readFolder(
  folder: string,
  { maxFiles, maxBytes }: FolderLimits,
): Promise<Result<ReadonlyMap<string, Uint8Array<ArrayBuffer>> | null>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let left = maxBytes;
  let at = folder;

  async function walk(below: string, depth: number): Promise<Result<void>> {
    if (depth > MAX_DEPTH) return fail('too_large', `${at} lies deeper than ${MAX_DEPTH} folders.`);
    const entries = await readdir(join(folder, below), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      at = join(folder, path);
      if (entry.isDirectory()) {
        const walked = await walk(path, depth + 1);
        if (!walked.ok) return walked;
        continue;
      }
      if (!entry.isFile()) return fail('unreadable_folder', `${at} is not a file.`);
      if (files.size === maxFiles) return fail('too_large', `${folder} holds more than ${maxFiles} files.`);
      const read = await readWhole(at, left);
      if (read === null) return fail('too_large', `${folder} holds more than ${maxBytes} bytes.`);
      left -= read.length;
      files.set(path, read);
    }
    return ok(undefined);
  }

  try {
    const walked = await walk('', 0);
    return walked.ok ? ok(new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))) : walked;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT' && at === folder
      ? ok(null)
      : fail('unreadable_folder', `${at} could not be read (${code}).`);
  }
}

/** Null when it is larger than `maxBytes`. */
async function readWhole(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if ((await file.stat()).size > maxBytes) return null;
    return Uint8Array.from(await file.readFile());
  } finally {
    await file.close();
  }
}
