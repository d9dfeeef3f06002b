import * as v from 'valibot';
import { encodeCanonical, sha256 } from '../base/canonical';
import { idSchema, nodeIdSchema } from '../base/ids';
import { withoutUndefined } from '../base/plain';
import { bytesSchema } from '../wire/gate';

/**
 * A signed summary over what the pipeline did for one request. `trace` is SHA-256 over the canonical list of everything that
 * happened before the seal, so that a kept trace can be held against it later; the seal itself reveals none of it.
 */
export const sealSchema = v.strictObject({
  type: v.literal('seal'),
  v: v.literal(1),
  traceId: idSchema,
  requester: nodeIdSchema,
  trace: v.pipe(bytesSchema(32), v.length(32, 'not a digest')),
  steps: v.pipe(v.number(), v.integer(), v.minValue(0)),
  verdict: v.picklist(['unchecked', 'accepted', 'rejected', 'disputed']),
  at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

export type Seal = v.InferOutput<typeof sealSchema>;

export const traceDigest = (steps: readonly unknown[]): Uint8Array<ArrayBuffer> =>
  sha256(encodeCanonical(withoutUndefined(steps)));
