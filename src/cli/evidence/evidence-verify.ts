import { realpath } from 'node:fs/promises';
import { createVerify } from '#adapters/verify-node';
import { isFolder, readFileBytes, writeFiles } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { MAX_BUNDLE_BYTES } from '#core/evidence/bundle-file';
import { documentText } from '#core/evidence/documents';
import { verifyBundle, verifyEvidence, type EvidenceReport } from '#core/evidence/verify-evidence';
import type { Command, CommandInput } from '../command';
import { readEvidenceFolder } from './evidence-folder';

/** Holds a bundle, or the folder of one, against itself: what the app does at /verify. */
export const evidenceVerify: Command = {
  name: 'evidence verify',
  usage: 'DIR|FILE [--report FILE]',
  summary: 'verify a bundle or its folder with nothing but itself; exit code 0 only when it is reviewable',
  positionals: 1,
  options: { report: { type: 'string' } },
  run: verifyPath,
};

async function verifyPath({ positionals, options, resolvePath }: CommandInput): Promise<Result<string>> {
  const path = resolvePath(positionals[0]!);
  const report = await reportOf(path);
  if (!report.ok) return report;
  const text = documentText(report.value);
  if (typeof options['report'] === 'string') {
    const written = await writeFiles([{ path: resolvePath(options['report']), text }]);
    if (!written.ok) return written;
  }
  if (report.value.reviewable) return ok(text);
  const { failures, artefacts } = report.value;
  // What was changed comes before what follows from it.
  const first = failures.find(({ where }) => artefacts.some(({ path }) => path === where)) ?? failures[0];
  const others = failures.length <= 1 ? '' : ` (and ${failures.length - 1} more)`;
  return fail('not_reviewable', `Not reviewable: ${first?.message ?? 'a gate was not passed.'}${others}`);
}

async function reportOf(path: string): Promise<Result<EvidenceReport>> {
  const verify = createVerify();
  if (await isFolder(path)) {
    const folder = await readEvidenceFolder(path);
    if (!folder.ok) return folder;
    return ok(await verifyEvidence(folder.value.files, verify, { paths: folder.value.listed, failures: [] }));
  }
  // The file that the person named may be a link; what lies in a folder may not.
  const bytes = await readFileBytes(await realpath(path).catch(() => path), MAX_BUNDLE_BYTES);
  if (!bytes.ok) return bytes;
  if (bytes.value === null) return fail('no_bundle', `There is no bundle and no folder at ${path}.`);
  const verified = await verifyBundle(bytes.value, verify);
  return verified.ok ? verified : fail(verified.error.code, `${path}: ${verified.error.message}`);
}
