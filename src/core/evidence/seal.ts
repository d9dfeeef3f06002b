import * as v from 'valibot';
import { concat } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import { idSchema, nodeIdSchema } from '../base/ids';
import { withoutUndefined } from '../base/plain';
import { bytesSchema } from '../wire/gate';

/**
 * A signed summary over what the pipeline did for one request. `trace` is a digest of everything that happened before the
 * seal (see `traceDigest`), so that a kept trace can be held against it later; the seal itself reveals none of it.
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

const NO_SALT = new Uint8Array(0);

/**
 * SHA-256 over the salt and the canonical list of the steps. With a salt that is kept secret the seal can be shown to others
 * without the words: nobody can try guesses against it.
 */
export const traceDigest = (steps: readonly unknown[], salt: Uint8Array = NO_SALT): Uint8Array<ArrayBuffer> =>
  sha256(concat(salt, encodeCanonical(withoutUndefined(steps))));
