import * as v from 'valibot';
import { idSchema } from '#core/base/ids';
import { CAPABILITY_PATTERN, defineCapability, type CapabilityId } from '#core/bus/capability';
import { saltSchema } from '#core/ledger/statements';
import { bytesSchema } from '#core/wire/gate';
import { signedSchema } from '#core/wire/signed';

/** An entry of a ledger with nothing large in it. */
const MAX_RESERVATION_BYTES = 4 * 1024;
/** One from each witness that may be drawn. */
const MAX_HEADS = 13;

/** A job for another node: which capability, with which input, and the ids under which requester and trace know it. */
export const jobInputSchema = v.strictObject({
  jobId: idSchema,
  traceId: idSchema,
  capability: v.custom<CapabilityId>(
    (input) => typeof input === 'string' && CAPABILITY_PATTERN.test(input),
    'not a capability',
  ),
  input: v.unknown(),
  /** What the payer set aside for it; absent: it is asked for as a favour. */
  payment: v.optional(
    v.strictObject({
      reservation: bytesSchema(MAX_RESERVATION_BYTES),
      heads: v.pipe(v.array(signedSchema), v.maxLength(MAX_HEADS)),
    }),
  ),
});

/** The result, the executor's signed commitment to it, and the salt that opens the commitment. */
export const jobOutputSchema = v.strictObject({ output: v.unknown(), salt: saltSchema, commitment: signedSchema });

export type JobInput = v.InferOutput<typeof jobInputSchema>;
export type JobOutput = v.InferOutput<typeof jobOutputSchema>;

/** Does a job under commitment, so that it can be checked and receipted. Chunks are those of the capability inside. */
export const jobRun = defineCapability<JobInput, JobOutput, unknown>({
  id: 'job.run@1',
  input: jobInputSchema,
  output: jobOutputSchema,
  chunk: v.unknown(),
  trust: 'member',
  timeoutMs: 120_000,
});
