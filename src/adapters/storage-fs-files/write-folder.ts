import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail, ok, type Result } from '#core/base/result';

/**
 * Writes files, by path below the folder with `/` between, into a folder that is new or empty. All are first written and
 * flushed in a folder of their own inside it; only then they are moved to their places, in the order of the map, so that the
 * last one is there only when all are. Until then a failure leaves the folder as it was. The paths are the caller's own and
 * lead nowhere else. Codes `folder_not_empty`, `unwritable_folder`.
 */
export async function writeFolder(folder: string, files: ReadonlyMap<string, string>): Promise<Result<void>> {
  const staging = join(folder, `.${randomUUID()}.tmp`);
  /** The first folder on the way that was not there. */
  let made: string | undefined;
  const moved = new Set<string>();
  try {
    made = await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0)
      return fail('folder_not_empty', `${folder} is not empty; use a new folder.`);
    for (const [path, text] of files) await writeThrough(join(staging, path), text);
    for (const top of topsOf(files)) {
      moved.add(top);
      await rename(join(staging, top), join(folder, top));
    }
    await rmdir(staging);
    return ok(undefined);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const left = made === undefined ? [staging, ...[...moved].map((top) => join(folder, top))] : [made];
    // What cannot be removed stays without the last file, so that nobody takes it for whole.
    for (const path of left) await rm(path, { recursive: true, force: true }).catch(() => {});
    return fail('unwritable_folder', `${folder} could not be written (${code}).`);
  }
}

/** The first parts of the paths, each once, in the order in which the last file below them comes. */
function topsOf(files: ReadonlyMap<string, string>): readonly string[] {
  const tops = new Set<string>();
  for (const path of files.keys()) {
    const top = path.split('/', 1)[0]!;
    tops.delete(top);
    tops.add(top);
  }
  return [...tops];
}

async function writeThrough(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}
