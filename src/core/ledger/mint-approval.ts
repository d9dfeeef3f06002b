import * as v from 'valibot';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { microsSchema } from '../identity/economy-policy';
import { openSigned, type Signed } from '../wire/signed';

/** A curator's word that one contribution is worth so much new credit, to this node, once. */
export const mintApprovalSchema = v.strictObject({
  type: v.literal('mint-approval'),
  v: v.literal(1),
  community: cidSchema,
  /** Content id of the contribution's receipt, whoever's log holds it. */
  receipt: cidSchema,
  to: nodeIdSchema,
  amountMicros: v.pipe(microsSchema, v.minValue(1)),
});

export type MintApproval = v.InferOutput<typeof mintApprovalSchema>;

export async function openMintApproval(
  signed: Signed,
  verify: Verify,
): Promise<Result<{ readonly by: NodeId; readonly approval: MintApproval }>> {
  const opened = await openSigned(mintApprovalSchema, signed, verify);
  if (!opened.ok) return opened;
  if (signed.signatures.length !== 1) return fail('signer_missing', 'A mint approval is signed by one curator.');
  return ok({ by: signed.signatures[0]!.keyId, approval: opened.value });
}
