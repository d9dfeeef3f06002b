import * as v from 'valibot';
import { cidSchema, idSchema, nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Failure, type Result } from '../../base/result';
import { modelIdSchema, sha256HexSchema } from '../../engines/model-manifest';
import { instantSchema } from '../../identity/community';
import { microsSchema } from '../../identity/economy-policy';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import { count, listOf } from '../cards/card-fields';
import { capabilityIdSchema } from '../receipts';
import { keepsAll } from '../rules/rule';
import { TRAINING_RULES } from '../rules/training-rules';
import { deltaSchema } from './growth-fields';

/** A year: longer than any training that is paid as one job. */
const MAX_WALL_TIME_MS = 366 * 24 * 60 * 60_000;

/**
 * What one paid job of training made, of which data, and what it measured before and after: signed by whoever trained, and by whoever
 * paid once it has the result. The price went the way of all work, by reservation and settlement; this is the proof beside it.
 */
export const trainingWorkReceiptSchema = v.strictObject({
  type: v.literal('training-work-receipt'),
  v: v.literal(1),
  community: cidSchema,
  jobId: idSchema,
  taskClass: capabilityIdSchema,
  trainer: nodeIdSchema,
  payer: nodeIdSchema,
  /** Who is credited: the trainer's own account. */
  creditAccount: nodeIdSchema,
  expert: modelIdSchema,
  baseModelHash: sha256HexSchema,
  /** SHA-256 of everything that says how it was trained: code, settings, seeds. */
  recipeHash: sha256HexSchema,
  /** Content ids of the entries of the data ledger. */
  dataShards: listOf(cidSchema, 64),
  /** SHA-256 of each file that came out. */
  artefactHashes: listOf(sha256HexSchema, 16),
  /** Evaluations before and after; a training that made things worse is work too. */
  deltas: v.pipe(v.array(deltaSchema), v.maxLength(8)),
  work: v.strictObject({
    steps: count(1_000_000_000, 1),
    wallTimeMs: count(MAX_WALL_TIME_MS, 1),
    startedAt: instantSchema,
    completedAt: instantSchema,
  }),
  /** The reservation that paid for it, and the content id of the event that closed it, the same in every log. */
  reservation: cidSchema,
  settlement: cidSchema,
  chargeMicros: microsSchema,
  at: instantSchema,
});

export type TrainingWorkReceipt = v.InferOutput<typeof trainingWorkReceiptSchema>;
export type TrainingDraft = Omit<TrainingWorkReceipt, 'type' | 'v' | 'trainer'>;

export interface OpenedTraining {
  readonly id: string;
  readonly receipt: TrainingWorkReceipt;
  readonly acknowledged: boolean;
  /** The first rule of training that it breaks. */
  readonly fault: Failure | null;
}

/** The signer becomes the trainer. A draft that the schema refuses is our own bug and throws. */
export function createTrainingWorkReceipt(signer: Signer, draft: TrainingDraft): Promise<Signed> {
  const receipt: TrainingWorkReceipt = { type: 'training-work-receipt', v: 1, ...draft, trainer: signer.nodeId };
  return sign(signer, unwrap(checkAgainst(trainingWorkReceiptSchema, receipt)));
}

/** Codes of the gate and of `openSigned`, `signer_missing`, `foreign_signature`. One that breaks a rule opens, with its fault. */
export async function openTrainingWorkReceipt(signed: Signed, verify: Verify): Promise<Result<OpenedTraining>> {
  const opened = await openSigned(trainingWorkReceiptSchema, signed, verify);
  if (!opened.ok) return opened;
  const receipt = opened.value;
  const signers = signed.signatures.map(({ keyId }) => keyId);
  if (!signers.includes(receipt.trainer))
    return fail('signer_missing', 'The training receipt is not signed by the node that trained.');
  if (!signers.every((signer) => signer === receipt.trainer || signer === receipt.payer))
    return fail('foreign_signature', 'A training receipt is signed by somebody whom it does not name.');
  const kept = keepsAll(TRAINING_RULES, { receipt });
  return ok({
    id: idOfSigned(signed),
    receipt,
    acknowledged: signers.includes(receipt.payer),
    fault: kept.ok ? null : kept.error,
  });
}
