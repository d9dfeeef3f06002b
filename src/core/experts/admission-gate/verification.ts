import * as v from 'valibot';
import { nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Result } from '../../base/result';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import { expertNameEntries, scoresSchema, withinTime } from '../expert-card';

/** Weights do not change, so what was found about them lasts longer than a card; a month lets a mistake die out. */
export const VERIFICATION_LIFE_MS = 30 * 24 * 60 * 60_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000));

/** What a node found that evaluated an expert on its own device. It is about the weights, whoever offers them. */
const verificationSchema = v.pipe(
  v.strictObject({
    type: v.literal('expert-verification'),
    v: v.literal(1),
    ...expertNameEntries,
    /** Runtime and backend class of the verifier. */
    engine: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
    verifier: nodeIdSchema,
    scores: scoresSchema,
    /** The replay of its own record. */
    positions: count,
    agreeing: count,
    /** The verifier's own word, by the gates that need no others. */
    passed: v.boolean(),
    at: instantSchema,
    expiresAt: instantSchema,
  }),
  v.check(({ at, expiresAt }) => expiresAt > at && expiresAt - at <= VERIFICATION_LIFE_MS, 'an expiry out of bounds'),
  v.check(({ positions, agreeing }) => agreeing <= positions, 'more agreement than positions'),
);

export type Verification = v.InferOutput<typeof verificationSchema>;
export type OpenedVerification = Verification & { readonly id: string };
export type VerificationDraft = Omit<Verification, 'type' | 'v' | 'verifier' | 'expiresAt'>;

/** The signer becomes the verifier. A draft that the schema refuses is our own bug and throws. */
export function createVerification(signer: Signer, draft: VerificationDraft): Promise<Signed> {
  const body: Verification = {
    type: 'expert-verification',
    v: 1,
    ...draft,
    verifier: signer.nodeId,
    expiresAt: draft.at + VERIFICATION_LIFE_MS,
  };
  return sign(signer, unwrap(checkAgainst(verificationSchema, body)));
}

/** Signed by the verifier and nobody else, within its time. Codes of the gate and of `openSigned`, `signer_missing`, `expired`, `not_yet_valid`. */
export async function openVerification(
  signed: Signed,
  verify: Verify,
  now: number,
): Promise<Result<OpenedVerification>> {
  const opened = await openSigned(verificationSchema, signed, verify);
  if (!opened.ok) return opened;
  const body = opened.value;
  if (soleSigner(signed) !== body.verifier) {
    return fail('signer_missing', 'The verification is not signed by its verifier.');
  }
  const timely = withinTime(body, now);
  return timely.ok ? ok({ ...body, id: idOfSigned(signed) }) : timely;
}
