import { ok, type Result } from '../base/result';
import { unpackBundle } from './bundle-file';
import { readSources } from './documents';
import { keptClaim, type KeptClaim } from './kept-claim';

/**
 * The finished jobs whose words a bundle lays open, by commitment, so that whoever was given the bundle can look at them again.
 * Says nothing of whether the bundle verifies, nor whether the words are those that were committed to: a validator finds that. Codes
 * of `unpackBundle` and `readSources`.
 */
export function bundleClaims(file: Uint8Array<ArrayBuffer>): Result<ReadonlyMap<string, KeptClaim>> {
  const unpacked = unpackBundle(file);
  if (!unpacked.ok) return unpacked;
  const sources = readSources(unpacked.value.files);
  if (!sources.ok) return sources;
  const { jobs } = sources.value.openings;
  const statements = [...sources.value.statements.values()].map(({ signed }) => signed);
  const claims = new Map<string, KeptClaim>();
  for (const { commitment } of jobs) {
    const claim = keptClaim({ statements, jobs }, commitment);
    if (claim !== null) claims.set(commitment, claim);
  }
  return ok(claims);
}
