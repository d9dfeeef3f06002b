import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail, ok, type Result } from '#core/base/result';

/** The server's own files: keys and counts, for the server's user only. */
export interface DataFolder {
  readonly path: string;
  /** The text of a file, null when there is none. Code `data_unreadable`. */
  read(name: string): Promise<Result<string | null>>;
  /**
   * Replaces a file in one step: a crash leaves the old or the new one, never a part. On disk when the promise resolves.
   * Code `data_unwritable`.
   */
  write(name: string, text: string): Promise<Result<void>>;
  /** Adds to the end of a file; on disk when the promise resolves. Code `data_unwritable`. */
  append(name: string, text: string): Promise<Result<void>>;
}

const PRIVATE_FILE_MODE = 0o600;
const PRIVATE_FOLDER_MODE = 0o700;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? 'unknown';

/** Makes the folder when it is missing. */
export async function openDataFolder(path: string): Promise<Result<DataFolder>> {
  try {
    await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  } catch (error) {
    return fail('data_unwritable', `The data folder ${path} cannot be made (${codeOf(error)}).`);
  }
  const unwritable = (name: string, error: unknown) =>
    fail('data_unwritable', `The file ${join(path, name)} cannot be written (${codeOf(error)}).`);

  return ok({
    path,
    async read(name) {
      try {
        return ok(await readFile(join(path, name), 'utf8'));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return ok(null);
        return fail('data_unreadable', `The file ${join(path, name)} cannot be read (${codeOf(error)}).`);
      }
    },
    async write(name, text) {
      const target = join(path, name);
      const temporary = `${target}.new`;
      try {
        await writeDurably(temporary, text, 'w');
        await rename(temporary, target);
        await syncFolder(dirname(target));
        return ok(undefined);
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        return unwritable(name, error);
      }
    },
    async append(name, text) {
      try {
        await writeDurably(join(path, name), text, 'a');
        return ok(undefined);
      } catch (error) {
        return unwritable(name, error);
      }
    },
  });
}

async function writeDurably(path: string, text: string, flags: 'w' | 'a'): Promise<void> {
  const file = await open(path, flags, PRIVATE_FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // The mode above holds only for a new file, and only as far as the umask allows.
  await chmod(path, PRIVATE_FILE_MODE);
}

/** Makes the new name durable. Some systems cannot open a folder; there the rename alone has to do. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    return;
  }
}
