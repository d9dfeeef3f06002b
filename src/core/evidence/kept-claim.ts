import { decodeCanonical } from '../base/canonical';
import { idOfSigned, type Signed } from '../wire/signed';
import type { KeptTrace } from './kept-trace';

/** A finished job as a validator is shown it: what the executor committed to, and what opens that. */
export interface KeptClaim {
  readonly commitment: Signed;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly input: unknown;
  readonly output: unknown;
}

/** The job behind a commitment, out of a kept trace; null where the trace is of other work. */
export function keptClaim({ statements, jobs }: KeptTrace, commitmentId: string): KeptClaim | null {
  const job = jobs.find(({ commitment }) => commitment === commitmentId);
  const commitment = statements.find((signed) => idOfSigned(signed) === commitmentId);
  if (job === undefined || commitment === undefined) return null;
  const [input, output] = [decodeCanonical(job.input), decodeCanonical(job.output)];
  return input.ok && output.ok ? { commitment, salt: job.salt, input: input.value, output: output.value } : null;
}
