import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFolder } from '#adapters/storage-fs-files/read-folder';
import { readTextFile, writeFiles } from '#adapters/storage-fs-files/write-files';
import { utf8Decode } from '#core/base/bytes';
import { fail, ok, type Result } from '#core/base/result';
import type { Command, CommandInput } from '../command';
import { sampleEconomy } from './sample-economy';

/** What this repository says of itself. */
const BRICKS = fileURLToPath(new URL('../../../docs/bricks.json', import.meta.url));
const MAX_BRICKS_BYTES = 512 * 1024;

/** Writes a whole, valid economy to look at, to check and to break. */
export const economySample: Command = {
  name: 'economy sample',
  usage: '--dir DIR',
  summary: 'write a whole sample of an economy into a new or empty folder: always the same bytes',
  positionals: 0,
  options: { dir: { type: 'string' } },
  run: writeSample,
};

async function writeSample({ options, resolvePath }: CommandInput): Promise<Result<string>> {
  if (typeof options['dir'] !== 'string') return fail('usage', 'Say where with --dir DIR.');
  const folder = resolvePath(options['dir']);
  const before = await readFolder(folder, { maxFiles: 0, maxBytes: 0 });
  if (!before.ok && before.error.code !== 'too_large') return before;
  if (!before.ok) return fail('folder_not_empty', `${folder} is not empty; use a new folder.`);
  const bricks = await readTextFile(BRICKS, MAX_BRICKS_BYTES);
  if (!bricks.ok) return bricks;
  if (bricks.value === null) return fail('no_bricks', `There are no bricks at ${BRICKS}.`);
  const files = await sampleEconomy(bricks.value);
  const written = await writeFiles(
    [...files].map(([path, bytes]) => ({ path: join(folder, path), text: utf8Decode(bytes) })),
  );
  return written.ok ? ok(`${[...files.keys()].sort().join('\n')}\n`) : written;
}
