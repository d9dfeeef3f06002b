import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { sha256HexSchema } from '#core/engines/model-manifest';
import { bytesSchema } from '#core/wire/gate';

/** A text of some hundred pages; what is larger goes from hand to hand, and its hash says that it is the same. */
export const MAX_CONTRIBUTION_FILE_BYTES = 1024 * 1024;
/** In one answer: the rest of a message is left for what wraps it. */
export const FILE_PART_BYTES = 160 * 1024;

/** Where a file lies among the records of a node: files of one community are nobody's business in another. */
export const contributionFileKey = (community: string, hash: string): string =>
  `contribution-file/${community}/${hash}`;

export const contributionFileInputSchema = v.strictObject({
  /** SHA-256 of the file. */
  hash: sha256HexSchema,
  from: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_CONTRIBUTION_FILE_BYTES)),
});

export const contributionFileOutputSchema = v.strictObject({
  /** Null where this node does not hold the file. */
  sizeBytes: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_CONTRIBUTION_FILE_BYTES))),
  /** Empty behind the end. */
  bytes: bytesSchema(FILE_PART_BYTES),
});

export type ContributionFileInput = v.InferOutput<typeof contributionFileInputSchema>;
export type ContributionFileOutput = v.InferOutput<typeof contributionFileOutputSchema>;

/** The file behind a contribution, in parts, from whoever gave it or fetched it to look at it. The asking side checks the hash. */
export const contributionFile = defineCapability<ContributionFileInput, ContributionFileOutput>({
  id: 'contribution.file@1',
  input: contributionFileInputSchema,
  output: contributionFileOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});
