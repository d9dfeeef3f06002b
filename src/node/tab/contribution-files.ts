import { concat, hex } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import { fail, ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { KeyValueStore } from '#core/storage/ports';
import {
  contributionFile,
  contributionFileKey,
  FILE_PART_BYTES,
  MAX_CONTRIBUTION_FILE_BYTES,
} from '#services/contribution-file/contract';

/** Files of one community that are kept on this device: 32 MB at most. */
export const MAX_KEPT_FILES = 32;

export interface ContributionFilesDeps {
  readonly records: KeyValueStore;
  readonly community: string;
  readonly call: Bus['call'];
}

/** The files behind contributions that this device holds: others fetch them from here as long as they are kept. */
export interface ContributionFiles {
  /** Hashes of those that are kept. */
  kept(): Promise<Result<ReadonlySet<string>>>;
  /** Codes: `file_too_large`, `too_many_files`, `wrong_file`, storage codes. */
  keep(hash: string, file: Uint8Array<ArrayBuffer>): Promise<Result<void>>;
  letGo(hash: string): Promise<Result<void>>;
  /**
   * The file, from here or from the first of these nodes that gives it, and kept from then on. Codes: `file_too_large`,
   * `file_not_here` (none of them has it, or none is here), `too_many_files`, storage codes.
   */
  fetch(hash: string, sizeBytes: number, from: readonly NodeId[]): Promise<Result<Uint8Array<ArrayBuffer>>>;
}

export function createContributionFiles({ records, community, call }: ContributionFilesDeps): ContributionFiles {
  const keyOf = (hash: string): string => contributionFileKey(community, hash);
  const prefix = contributionFileKey(community, '');

  async function kept(): Promise<Result<ReadonlySet<string>>> {
    const keys = await records.keys(prefix);
    return keys.ok ? ok(new Set(keys.value.map((key) => key.slice(prefix.length)))) : keys;
  }

  /** What is known to be the file of that hash. */
  async function write(hash: string, file: Uint8Array<ArrayBuffer>): Promise<Result<void>> {
    const held = await kept();
    if (!held.ok) return held;
    if (held.value.size >= MAX_KEPT_FILES && !held.value.has(hash))
      return fail('too_many_files', `This device keeps ${MAX_KEPT_FILES} files for others already: let one go first.`);
    return records.set(keyOf(hash), file);
  }

  /** Null where that node does not give it. */
  async function fetchFrom(provider: NodeId, hash: string, sizeBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let from = 0; from < sizeBytes; from += FILE_PART_BYTES) {
      const part = await call(contributionFile, { hash, from }, { provider });
      // Every part has the size that it must have, so that nobody keeps this asking.
      if (!part.ok || part.value.bytes.length !== Math.min(FILE_PART_BYTES, sizeBytes - from)) return null;
      parts.push(part.value.bytes);
    }
    const file = concat(...parts);
    return hex(sha256(file)) === hash ? file : null;
  }

  return {
    kept,
    async keep(hash, file) {
      if (file.length > MAX_CONTRIBUTION_FILE_BYTES) return tooLarge;
      return hex(sha256(file)) === hash
        ? write(hash, file)
        : fail('wrong_file', 'This is not the file that was given.');
    },
    letGo: (hash) => records.delete(keyOf(hash)),
    async fetch(hash, sizeBytes, from) {
      if (sizeBytes > MAX_CONTRIBUTION_FILE_BYTES) return tooLarge;
      const held = await records.get<Uint8Array<ArrayBuffer>>(keyOf(hash));
      if (!held.ok) return held;
      if (held.value !== undefined) return ok(held.value);
      for (const provider of from) {
        const file = await fetchFrom(provider, hash, sizeBytes);
        if (file === null) continue;
        const written = await write(hash, file);
        return written.ok ? ok(file) : written;
      }
      return fail(
        'file_not_here',
        'Nobody who holds this file is here now: ask again later, or get it from its giver.',
      );
    },
  };
}

/** Of a community that this person left nothing is handed on any more. */
export async function forgetFiles(records: KeyValueStore, community: string): Promise<Result<void>> {
  const keys = await records.keys(contributionFileKey(community, ''));
  if (!keys.ok) return keys;
  for (const key of keys.value) {
    const deleted = await records.delete(key);
    if (!deleted.ok) return deleted;
  }
  return ok(undefined);
}

const tooLarge = fail('file_too_large', 'This file is too large to be handed on here: give it from hand to hand.');
