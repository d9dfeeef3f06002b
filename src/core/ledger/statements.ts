import * as v from 'valibot';
import { concat, equalBytes } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import { cidSchema, idSchema, nodeIdSchema } from '../base/ids';
import { bytesSchema } from '../wire/gate';
import { capabilityIdSchema } from './receipts';

/** The signed statements around one job. Each is a canonical map that names its type; see wire/signed. */

export const SALT_BYTES = 16;

const digestSchema = v.pipe(bytesSchema(32), v.length(32, 'not a digest'));
export const saltSchema = v.pipe(bytesSchema(SALT_BYTES), v.length(SALT_BYTES, 'not a salt'));
const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e9));
const timeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/**
 * What the executor did, fixed before anyone knows who will check it. `input` and `output` are salted digests of the
 * canonical input and output, so the statement can be kept and shown without revealing either.
 */
export const commitmentSchema = v.strictObject({
  type: v.literal('commitment'),
  v: v.literal(1),
  jobId: idSchema,
  traceId: idSchema,
  requester: nodeIdSchema,
  executor: nodeIdSchema,
  capability: capabilityIdSchema,
  input: digestSchema,
  output: digestSchema,
  at: timeSchema,
});

/** The figures behind a verdict that looked at single tokens: enough to see how close it was, nothing of the text. */
export const evidenceSchema = v.strictObject({
  /** Tokens looked at, of how many. */
  positions: countSchema,
  length: countSchema,
  /** Tokens that missed grossly, and those that missed a little. */
  gross: countSchema,
  soft: countSchema,
  /** Sum of the margins, each cut at the gross bound, in thousandths of a logit. */
  clippedMilli: countSchema,
  /** Largest margin, in thousandths of a logit. */
  worstMilli: countSchema,
  /** The runtime and backend that re-scored, as in `ModelIdentity.engine`. */
  engine: v.pipe(v.string(), v.maxLength(64)),
});

/** What a validator found. */
export const verdictSchema = v.strictObject({
  type: v.literal('verdict'),
  v: v.literal(1),
  jobId: idSchema,
  traceId: idSchema,
  commitment: cidSchema,
  requester: nodeIdSchema,
  executor: nodeIdSchema,
  validator: nodeIdSchema,
  check: v.picklist(['redo', 'rescore', 'outcome']),
  verdict: v.picklist(['accepted', 'rejected', 'undecided']),
  /** A stable code, for instance `ok`, `output_mismatch`, `token_mismatch`, `text_mismatch`, `opening_mismatch`. */
  reason: v.pipe(v.string(), v.regex(/^[a-z_]{1,48}$/)),
  evidence: v.optional(evidenceSchema),
  at: timeSchema,
});

export type Evidence = v.InferOutput<typeof evidenceSchema>;
export type Commitment = v.InferOutput<typeof commitmentSchema>;
export type VerdictStatement = v.InferOutput<typeof verdictSchema>;

export const saltedDigest = (salt: Uint8Array, value: unknown): Uint8Array<ArrayBuffer> =>
  sha256(concat(salt, encodeCanonical(value)));

/** True when the commitment was made over exactly this input and output. */
export const opensTo = (commitment: Commitment, salt: Uint8Array, input: unknown, output: unknown): boolean =>
  equalBytes(commitment.input, saltedDigest(salt, input)) && equalBytes(commitment.output, saltedDigest(salt, output));
