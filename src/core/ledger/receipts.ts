import * as v from 'valibot';
import { cidSchema, idSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, type Result } from '../base/result';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';

/** No single job counts for more: the highest cap of any kind of work. */
export const MAX_UNITS_PER_RECEIPT = 6;
export const MAX_VALIDATORS_PER_RECEIPT = 8;

/** `name@version`; the bus, which stands above, has the type for it. */
export const capabilityIdSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9_.]{0,47}@[1-9][0-9]{0,3}$/, 'not a capability'),
);

const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));

/**
 * Signed proof of one job: who asked, who did it, who checked it, what came of it. It holds content ids of the executor's
 * commitment and of the verdicts, never a word of the question or the answer. Units count checked work; they are no
 * money, no price and no reputation.
 */
export const receiptSchema = v.pipe(
  v.strictObject({
    type: v.literal('receipt'),
    v: v.literal(1),
    jobId: idSchema,
    traceId: idSchema,
    capability: capabilityIdSchema,
    requester: nodeIdSchema,
    executor: nodeIdSchema,
    validators: v.pipe(v.array(nodeIdSchema), v.maxLength(MAX_VALIDATORS_PER_RECEIPT)),
    model: v.nullable(
      v.strictObject({ id: v.pipe(v.string(), v.maxLength(64)), hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
    ),
    commitment: v.nullable(cidSchema),
    verdicts: v.pipe(v.array(cidSchema), v.maxLength(MAX_VALIDATORS_PER_RECEIPT)),
    verdict: v.picklist(['unchecked', 'accepted', 'rejected', 'disputed']),
    check: v.picklist(['none', 'redo', 'rescore', 'outcome']),
    units: count(MAX_UNITS_PER_RECEIPT),
    tokens: v.nullable(v.strictObject({ prompt: count(1_000_000), completion: count(1_000_000) })),
    at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  }),
  v.check((receipt) => receipt.verdict === 'accepted' || receipt.units === 0, 'only accepted work has units'),
  v.check((receipt) => !receipt.validators.includes(receipt.executor), 'nobody checks their own work'),
  v.check((receipt) => new Set(receipt.validators).size === receipt.validators.length, 'a validator stands twice'),
);

export type Receipt = v.InferOutput<typeof receiptSchema>;

/** A receipt with every signature verified. Only those whom the receipt names may sign it. */
export async function openReceipt(
  signed: Signed,
  verify: Verify,
): Promise<Result<{ receipt: Receipt; id: string; signers: readonly NodeId[] }>> {
  const opened = await openSigned(receiptSchema, signed, verify);
  if (!opened.ok) return opened;
  const receipt = opened.value;
  const named = new Set([receipt.requester, receipt.executor, ...receipt.validators]);
  const signers = signed.signatures.map((entry) => entry.keyId);
  if (!signers.every((signer) => named.has(signer))) {
    return fail('foreign_signature', 'A receipt is signed by someone whom it does not name.');
  }
  return { ok: true, value: { receipt, id: idOfSigned(signed), signers } };
}

/**
 * Units are credited only when the asking side, the doing side and at least one validator signed the same receipt, the
 * three being different nodes, and the verdict is accepted.
 */
export function creditsUnits(
  receipt: Pick<Receipt, 'verdict' | 'requester' | 'executor'> & { readonly validators: readonly NodeId[] },
  signers: ReadonlySet<NodeId>,
): boolean {
  return (
    receipt.verdict === 'accepted' &&
    receipt.requester !== receipt.executor &&
    signers.has(receipt.requester) &&
    signers.has(receipt.executor) &&
    receipt.validators.some((validator) => validator !== receipt.requester && signers.has(validator))
  );
}
