import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Result } from '../../base/result';
import { sha256HexSchema } from '../../engines/model-manifest';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import { count } from '../cards/card-fields';
import { deltaSchema, FINDING_RECEIPTS } from './growth-fields';

/**
 * What another node found about one contribution, which it names by its content id: with a changed price, licence or figure it is
 * another one, about which nobody found anything.
 */
export const findingSchema = v.strictObject({
  type: v.literal('contribution-finding'),
  v: v.literal(1),
  /** `contributionIdOf` the contribution. */
  contribution: cidSchema,
  /** Which of the receipts that a contribution needs this one is. */
  receipt: v.picklist(FINDING_RECEIPTS),
  verifier: nodeIdSchema,
  verdict: v.picklist(['accepted', 'rejected', 'undecided']),
  /** What it measured itself; null where nothing is measured. */
  delta: v.nullable(deltaSchema),
  /** How good it is in thousandths, 1,000 being what was to be expected; null where nothing is measured. */
  qualityMilli: v.nullable(count(100_000)),
  /** SHA-256 of what it looked at or got: answers, outputs of tests, the text of terms. */
  evidence: sha256HexSchema,
  at: instantSchema,
});

export type Finding = v.InferOutput<typeof findingSchema>;
export type FindingDraft = Omit<Finding, 'type' | 'v' | 'verifier'>;

/** A finding with its one signature verified. */
export interface OpenedFinding {
  readonly id: string;
  readonly finding: Finding;
}

/** The signer becomes the verifier. A draft that the schema refuses is our own bug and throws. */
export function createFinding(signer: Signer, draft: FindingDraft): Promise<Signed> {
  const finding: Finding = { type: 'contribution-finding', v: 1, ...draft, verifier: signer.nodeId };
  return sign(signer, unwrap(checkAgainst(findingSchema, finding)));
}

/** Codes of the gate and of `openSigned`, `signer_missing`. */
export async function openFinding(signed: Signed, verify: Verify): Promise<Result<OpenedFinding>> {
  const opened = await openSigned(findingSchema, signed, verify);
  if (!opened.ok) return opened;
  if (soleSigner(signed) !== opened.value.verifier)
    return fail('signer_missing', 'A finding is not signed by the node that it names.');
  return ok({ id: idOfSigned(signed), finding: opened.value });
}
