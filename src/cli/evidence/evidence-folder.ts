import { join } from 'node:path';
import { listFiles, readFileBytes, writeFiles, type FileWrite } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { artefactsOf, OPENINGS, type Files } from '#core/evidence/artefacts';
import { MAX_ARTEFACT_BYTES } from '#core/evidence/bundle-file';
import { pathFault, resolvePath } from '#core/evidence/path-rules';

/** A folder of evidence has twenty files; one with many more is another folder. */
const MAX_FILES = 1_000;
/** Folders that belong to the evidence alone: whatever else lies in them travels in no bundle. */
const OWN_FOLDERS = /^(evidence|seal)\//;

export interface EvidenceFolder {
  readonly files: Files;
  /** What lies there of a bundle, by the paths that it would have in one, and what else lies in its folders. */
  readonly listed: readonly string[];
}

/**
 * The evidence in a folder, by the paths of the table of artefacts. Files that were put flat beside each other are found by name;
 * nothing outside the folder is looked at, links neither.
 */
export async function readEvidenceFolder(folder: string): Promise<Result<EvidenceFolder>> {
  const listed = await listFiles(folder, MAX_FILES);
  if (!listed.ok) return listed;
  const there = new Set(listed.value);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const found = new Set<string>();
  const withWords = resolvePath(OPENINGS, there) !== null;
  for (const { path } of artefactsOf(withWords)) {
    const place = resolvePath(path, there);
    if (place === null) continue;
    const bytes = await readFileBytes(join(folder, place), MAX_ARTEFACT_BYTES);
    if (!bytes.ok) return bytes;
    if (bytes.value === null) continue;
    files.set(path, bytes.value);
    found.add(place);
  }
  const strange = listed.value.filter((path) => OWN_FOLDERS.test(path) && !found.has(path));
  return ok({ files, listed: [...files.keys(), ...strange] });
}

/** Writes files below a folder, all or none. The paths are those of the table of artefacts. */
export async function writeEvidence(
  folder: string,
  files: Files,
  paths: readonly string[],
  more: readonly FileWrite[] = [],
): Promise<Result<void>> {
  const writes: FileWrite[] = [];
  for (const path of paths) {
    const bytes = files.get(path);
    if (bytes === undefined || pathFault(path) !== null) return fail('bad_path', `${path} cannot be written.`);
    writes.push({ path: join(folder, path), text: bytes });
  }
  return writeFiles([...writes, ...more]);
}
