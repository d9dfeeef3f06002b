import { readdir } from 'node:fs/promises';
import { fail, ok, type Result } from '#core/base/result';

/** The names of the files directly in a folder, in no order; null when there is no such folder. Code `unreadable_folder`. */
export async function listFolder(path: string): Promise<Result<readonly string[] | null>> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return ok(entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT' ? ok(null) : fail('unreadable_folder', `${path} could not be read (${code}).`);
  }
}
