import { ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import type { KeyValueStore } from '#core/storage/ports';
import {
  contributionFileKey,
  FILE_PART_BYTES,
  type ContributionFileInput,
  type ContributionFileOutput,
} from './contract';

export interface ContributionFileDeps {
  readonly records: Pick<KeyValueStore, 'get'>;
  readonly community: string;
}

export const createContributionFileHandler =
  ({ records, community }: ContributionFileDeps): Handler<ContributionFileInput, ContributionFileOutput> =>
  async ({ hash, from }) => {
    const held = await records.get<Uint8Array<ArrayBuffer>>(contributionFileKey(community, hash));
    if (!held.ok) return held;
    const file = held.value;
    if (file === undefined) return ok({ sizeBytes: null, bytes: new Uint8Array(0) });
    return ok({ sizeBytes: file.length, bytes: file.slice(from, from + FILE_PART_BYTES) });
  };
