import { decodeCanonical } from '../base/canonical';
import { idOfSigned, type Signed } from '../wire/signed';
import type { JobOpening } from './openings';

/** A finished job as a validator is shown it: what the executor committed to, and what opens that. */
export interface KeptClaim {
  readonly commitment: Signed;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly input: unknown;
  readonly output: unknown;
}

/** Of a kept trace or a bundle: what was signed, and the words that belong to it. */
export interface OpenedJobs {
  readonly statements: readonly Signed[];
  readonly jobs: readonly JobOpening[];
}

/** The job behind a commitment; null where these are of other work. */
export function keptClaim({ statements, jobs }: OpenedJobs, commitmentId: string): KeptClaim | null {
  const job = jobs.find(({ commitment }) => commitment === commitmentId);
  const commitment = statements.find((signed) => idOfSigned(signed) === commitmentId);
  if (job === undefined || commitment === undefined) return null;
  const [input, output] = [decodeCanonical(job.input), decodeCanonical(job.output)];
  return input.ok && output.ok ? { commitment, salt: job.salt, input: input.value, output: output.value } : null;
}
