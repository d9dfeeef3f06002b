import * as v from 'valibot';
import { cidSchema, idSchema, nodeIdSchema } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { instantSchema } from '../identity/community';
import { microsSchema } from '../identity/economy-policy';
import { bytesSchema } from '../wire/gate';
import { idOfSigned, openSigned, type Signed } from '../wire/signed';
import { PRIVACY_CLASSES, receiptNamesSchema, sandboxProfileSchema } from './cards/card-fields';
import { capabilityIdSchema, MAX_VALIDATORS_PER_RECEIPT } from './receipts';

const digestSchema = v.pipe(bytesSchema(32), v.length(32, 'not a digest'));
const nonceSchema = v.pipe(bytesSchema(16), v.length(16, 'not a nonce'));
const count = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most));

/** How work may be challenged while its window is open; a receipt must allow all four. */
export const CHALLENGE_METHODS = [
  'output_commitment_open',
  'route_trace_replay',
  'metered_cost_audit',
  'expert_hash_check',
] as const;

/** What an inference receipt must itself be accompanied by. */
export const REQUIRED_RECEIPTS = ['inference_work_receipt', 'route_trace_receipt'] as const;

/**
 * Proof of one paid job, signed by the node that did it and acknowledged by the one that pays. It shows commitments, counts
 * and money; of the question and the answer only salted digests.
 */
export const inferenceWorkReceiptSchema = v.strictObject({
  type: v.literal('inference-work-receipt'),
  v: v.literal(1),
  community: cidSchema,
  jobId: idSchema,
  taskClass: capabilityIdSchema,
  /** Null for work that needs no model; an advertisement offers one, so that nothing is paid for such work. */
  expert: v.nullable(
    v.strictObject({
      id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
      hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a hash')),
    }),
  ),
  executor: nodeIdSchema,
  payer: nodeIdSchema,
  /** The advertisement under which the work was offered. */
  offer: cidSchema,
  /** Who is credited: the executor's own account. */
  creditAccount: nodeIdSchema,
  chargeMicros: microsSchema,
  work: v.strictObject({
    inputTokens: count(1_000_000),
    outputTokens: count(1_000_000),
    meteredCostMicros: microsSchema,
    /** No more than lies between the two times below, or one. */
    wallTimeMs: v.pipe(count(86_400_000), v.minValue(1)),
    startedAt: instantSchema,
    completedAt: instantSchema,
  }),
  commitments: v.strictObject({
    /** The executor's signed commitment, with the salted digests that it makes. */
    commitment: cidSchema,
    input: digestSchema,
    output: digestSchema,
    routeTraceId: idSchema,
    nonce: nonceSchema,
  }),
  challenge: v.strictObject({
    windowSeconds: v.pipe(count(2_592_000), v.minValue(1)),
    methods: v.pipe(v.array(v.picklist(CHALLENGE_METHODS)), v.maxLength(CHALLENGE_METHODS.length)),
    /** Digest of what a replay needs: the salted output again, or the seed of its draw. */
    replayMaterial: digestSchema,
    verifierSet: v.pipe(v.array(nodeIdSchema), v.maxLength(MAX_VALIDATORS_PER_RECEIPT)),
  }),
  duplicateSpend: v.strictObject({
    /** The reservation that pays: it can be spent once. */
    spendKey: cidSchema,
    scope: v.literal('reservation'),
    previousReceipt: v.nullable(cidSchema),
    idempotencyKey: idSchema,
  }),
  policy: v.strictObject({
    privacyClass: v.picklist(PRIVACY_CLASSES),
    sandboxProfile: sandboxProfileSchema,
    allowedForCredit: v.boolean(),
    receiptRequirements: receiptNamesSchema,
  }),
  at: instantSchema,
});

export type InferenceWorkReceipt = v.InferOutput<typeof inferenceWorkReceiptSchema>;

/** A receipt with its signatures verified: the executor's must be there, the payer's may; nobody else signs. */
export interface OpenedWorkReceipt {
  readonly id: string;
  readonly receipt: InferenceWorkReceipt;
  readonly acknowledged: boolean;
}

/** Codes of `openSigned`, and `foreign_signature`. */
export async function openWorkReceipt(signed: Signed, verify: Verify): Promise<Result<OpenedWorkReceipt>> {
  const opened = await openSigned(inferenceWorkReceiptSchema, signed, verify);
  if (!opened.ok) return opened;
  const receipt = opened.value;
  const signers = signed.signatures.map(({ keyId }) => keyId);
  if (!signers.includes(receipt.executor))
    return fail('signer_missing', 'The work receipt is not signed by the node that did the work.');
  if (!signers.every((signer) => signer === receipt.executor || signer === receipt.payer))
    return fail('foreign_signature', 'A work receipt is signed by somebody whom it does not name.');
  return ok({ id: idOfSigned(signed), receipt, acknowledged: signers.includes(receipt.payer) });
}

/**
 * What a validator did for one job, and what it was paid of the price: signed by the validator. The ledger pays by the
 * verdict and the settlement; this is the proof to keep and to show.
 */
export const verificationReceiptSchema = v.strictObject({
  type: v.literal('verification-receipt'),
  v: v.literal(1),
  community: cidSchema,
  jobId: idSchema,
  validator: nodeIdSchema,
  executor: nodeIdSchema,
  payer: nodeIdSchema,
  /** The signed verdict, and the entry that closed the job's settlement. */
  verdict: cidSchema,
  settlement: cidSchema,
  check: v.picklist(['redo', 'rescore', 'outcome']),
  paidMicros: microsSchema,
  at: instantSchema,
});

export type VerificationReceipt = v.InferOutput<typeof verificationReceiptSchema>;

export async function openVerificationReceipt(
  signed: Signed,
  verify: Verify,
): Promise<Result<VerificationReceipt & { readonly id: string }>> {
  const opened = await openSigned(verificationReceiptSchema, signed, verify);
  if (!opened.ok) return opened;
  if (signed.signatures.length !== 1 || signed.signatures[0]!.keyId !== opened.value.validator)
    return fail('signer_missing', 'The verification receipt is not signed by its validator alone.');
  return ok({ ...opened.value, id: idOfSigned(signed) });
}
