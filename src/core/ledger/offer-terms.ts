import * as v from 'valibot';
import { nodeIdSchema, type NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { instantSchema, soleSigner } from '../identity/community';
import { microsSchema } from '../identity/economy-policy';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';

/** What of an advertisement decides about money. */
export interface OfferTerms {
  /** Content id of the advertisement. */
  readonly id: string;
  readonly node: NodeId;
  readonly rateMicros: number;
  readonly minimumMicros: number;
  readonly taskClasses: readonly string[];
  readonly sandboxProfile: string;
  readonly expiresAt: number;
}

const temporarySchema = v.strictObject({
  type: v.literal('host-advertisement'),
  v: v.literal(1),
  node: nodeIdSchema,
  rateMicros: microsSchema,
  minimumMicros: microsSchema,
  taskClasses: v.array(v.string()),
  sandboxProfile: v.string(),
  expiresAt: instantSchema,
});

export async function openOffer(signed: Signed, verify: Verify): Promise<Result<OfferTerms>> {
  const opened = await openSigned(temporarySchema, signed, verify);
  if (!opened.ok) return opened;
  if (soleSigner(signed) !== opened.value.node) return fail('signer_missing', 'The offer is not signed by its node.');
  return ok({ id: idOfSigned(signed), ...opened.value });
}
