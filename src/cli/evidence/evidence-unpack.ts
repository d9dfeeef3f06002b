import { realpath } from 'node:fs/promises';
import { isFolder, listFiles, readFileBytes } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { MAX_BUNDLE_BYTES, unpackBundle } from '#core/evidence/bundle-file';
import { documentText } from '#core/evidence/documents';
import type { Command, CommandInput } from '../command';
import { writeEvidence } from './evidence-folder';

/** The files of a bundle in a folder of their own, to be read by people and by other tools. */
export const evidenceUnpack: Command = {
  name: 'evidence unpack',
  usage: 'FILE DIR',
  summary: 'write the files of a bundle into an empty or new folder; a damaged bundle writes nothing',
  positionals: 2,
  options: {},
  run: unpack,
};

async function unpack({ positionals, resolvePath }: CommandInput): Promise<Result<string>> {
  const [path, folder] = [resolvePath(positionals[0]!), resolvePath(positionals[1]!)];
  const bytes = await readFileBytes(await realpath(path).catch(() => path), MAX_BUNDLE_BYTES);
  if (!bytes.ok) return bytes;
  if (bytes.value === null) return fail('no_bundle', `There is no bundle at ${path}.`);
  const unpacked = unpackBundle(bytes.value);
  if (!unpacked.ok) return fail(unpacked.error.code, `${path}: ${unpacked.error.message}`);
  const { files, faults } = unpacked.value;
  if (faults.length > 0) return fail(faults[0]!.code, `${path}: ${faults[0]!.message}`);
  if (await isFolder(folder)) {
    const there = await listFiles(folder, 0);
    if (!there.ok) return fail('not_empty', `${folder} is not empty; nothing was written.`);
  }
  const written = await writeEvidence(folder, files, [...files.keys()]);
  return written.ok ? ok(documentText({ folder, artefacts: [...files.keys()] })) : written;
}
