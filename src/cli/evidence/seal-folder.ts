import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createVerify } from '#adapters/verify-node';
import { fail, ok, type Result } from '#core/base/result';
import { sourcesOf, hasWords, type Files } from '#core/evidence/artefacts';
import type { BuiltBundle, SealDeps } from '#core/evidence/build-bundle';
import { documentText } from '#core/evidence/documents';
import { listFile } from '#core/evidence/check-files';
import { isFolder } from '#adapters/storage-fs-files/write-files';
import type { CommandInput } from '../command';
import { readEvidenceFolder, writeEvidence } from './evidence-folder';
import { readSealingKey } from './sealing-key';

/** Where things lie when nothing else is said: beside the folder, so that neither is ever evidence itself. */
const KEY_ENDING = '.key.json';
const BUNDLE_ENDING = '.evidence.car';

export const SEALING_OPTIONS = { key: { type: 'string' }, output: { type: 'string' } } as const;
export const SEALING_USAGE = 'DIR [--key FILE] [--output FILE]';

/** Makes a sealed bundle out of a folder by `make`, and writes everything that was made, or nothing. */
export async function sealFolder(
  { positionals, options, resolvePath }: CommandInput,
  make: (files: Files, deps: SealDeps) => Promise<Result<BuiltBundle>>,
): Promise<Result<string>> {
  const folder = resolvePath(positionals[0]!).replace(/[/\\]+$/, '');
  if (!(await isFolder(folder))) return fail('no_folder', `There is no folder at ${folder}.`);
  const given = typeof options['key'] === 'string' ? resolvePath(options['key']) : null;
  const output = typeof options['output'] === 'string' ? resolvePath(options['output']) : folder + BUNDLE_ENDING;
  const read = await readEvidenceFolder(folder);
  if (!read.ok) return read;
  const key = await readSealingKey(given ?? folder + KEY_ENDING, given === null);
  if (!key.ok) return key;
  const { signer, made } = key.value;
  const built = await make(read.value.files, { signer, verify: createVerify(), at: createSystemClock().now() });
  if (!built.ok) return built;
  const { files, bytes, report } = built.value;
  const sources = sourcesOf(hasWords(files));
  const generated = [...files.keys()].filter((path) => !sources.includes(path));
  const written = await writeEvidence(folder, files, generated, [
    ...(made === null ? [] : [made]),
    { path: output, text: bytes },
  ]);
  if (!written.ok) return written;
  const { sizeBytes, sha256 } = listFile(output, bytes);
  return ok(
    documentText({
      bundle: output,
      sizeBytes,
      sha256,
      sealedBy: signer.nodeId,
      keyMade: made?.path ?? null,
      artefacts: files.size,
      traces: report.traces.length,
      receipts: report.receipts.length,
      withWords: report.withWords,
      reviewable: report.reviewable,
    }),
  );
}
