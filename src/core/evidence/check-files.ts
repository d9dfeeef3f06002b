import * as v from 'valibot';
import { hex } from '../base/bytes';
import { sha256 } from '../base/canonical';
import { rawCidOf } from '../base/links';
import type { Files } from './artefacts';

/** One file as a list names it. */
export interface ListedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

/** A listed file held against the file that is there. */
export interface FileCheck {
  readonly path: string;
  readonly exists: boolean;
  readonly expectedSizeBytes: number;
  readonly actualSizeBytes: number | null;
  readonly sizeOk: boolean;
  readonly expectedSha256: string;
  readonly actualSha256: string | null;
  readonly hashOk: boolean;
  readonly ok: boolean;
}

/** A whole list held against the files: `failureCount` counts failing files, and one more when the stated count is not theirs. */
export interface FilesCheck {
  readonly artefactCount: number;
  readonly checkedCount: number;
  readonly countOk: boolean;
  readonly failureCount: number;
  readonly ok: boolean;
  readonly checks: readonly FileCheck[];
}

export const listedFileSchema = v.strictObject({
  path: v.string(),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

export const listFile = (path: string, bytes: Uint8Array): ListedFile => ({
  path,
  sizeBytes: bytes.length,
  sha256: hex(sha256(bytes)),
});

/** The same with the content id under which the file travels. */
export const listWithCid = (path: string, bytes: Uint8Array): ListedFile & { readonly cid: string } => ({
  ...listFile(path, bytes),
  cid: rawCidOf(bytes),
});

/** Holds every listed file against what is there. `statedCount` is how many files the list says that it has. */
export function checkFiles(listed: readonly ListedFile[], statedCount: number, files: Files): FilesCheck {
  const checks = listed.map((file): FileCheck => {
    const bytes = files.get(file.path);
    const actual = bytes === undefined ? null : listFile(file.path, bytes);
    const sizeOk = actual?.sizeBytes === file.sizeBytes;
    const hashOk = actual?.sha256 === file.sha256;
    return {
      path: file.path,
      exists: actual !== null,
      expectedSizeBytes: file.sizeBytes,
      actualSizeBytes: actual?.sizeBytes ?? null,
      sizeOk,
      expectedSha256: file.sha256,
      actualSha256: actual?.sha256 ?? null,
      hashOk,
      ok: sizeOk && hashOk,
    };
  });
  const countOk = statedCount === listed.length;
  const failureCount = checks.filter(({ ok }) => !ok).length + (countOk ? 0 : 1);
  return {
    artefactCount: statedCount,
    checkedCount: checks.length,
    countOk,
    failureCount,
    ok: failureCount === 0,
    checks,
  };
}
