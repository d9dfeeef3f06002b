import * as v from 'valibot';
import { cidSchema, nodeIdSchema } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, unwrap, type Result } from '../base/result';
import { CAPABILITY_PATTERN, type CapabilityId } from '../bus/capability';
import { MAX_MODEL_BYTES, MODEL_TASKS, modelIdSchema, sha256HexSchema } from '../engines/model-manifest';
import type { SelfTestReport } from '../engines/self-test';
import { instantSchema, soleSigner } from '../identity/community';
import { listOf } from '../ledger/cards/card-fields';
import { checkAgainst } from '../wire/gate';
import { idOfSigned, openSigned, sign, signedSchema, type Signed } from '../wire/signed';

/** Browsers and drivers change, and so does what a device can do: a card is made anew every week. */
export const CARD_LIFE_MS = 7 * 24 * 60 * 60_000;
/** Clocks of honest devices differ by minutes at most. */
const CLOCK_SKEW_MS = 5 * 60_000;
/** A billion tokens a second, in thousandths: no device comes near. */
const MAX_PACE = 1e12;
const MAX_SCORES = 8;
/** Shards that a model of this size is trained on, and teachers that it learned from. */
const MAX_SHARDS = 64;
const MAX_TEACHERS = 16;
/** Cards that one node may show, and verifications: as many as it may name models. */
const MAX_CARDS = 16;

const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const count = (most = Number.MAX_SAFE_INTEGER, least = 0) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
const capabilitySchema = v.custom<CapabilityId>(
  (input) => typeof input === 'string' && CAPABILITY_PATTERN.test(input),
  'not a capability',
);

const setNameSchema = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,47}$/, 'not a name'));

/** What an evaluation came to. Comparable with another one only where `digest` is equal. */
export const scoreSchema = v.pipe(
  v.strictObject({
    set: setNameSchema,
    /** SHA-256 of the set. */
    digest: sha256HexSchema,
    right: count(100_000),
    of: count(100_000, 1),
    /** SHA-256 of everything that was answered; see `traceDigest`. */
    trace: sha256HexSchema,
  }),
  v.check(({ right, of }) => right <= of, 'more right answers than questions'),
);
export const scoresSchema = v.pipe(
  v.array(scoreSchema),
  v.maxLength(MAX_SCORES),
  v.check((scores) => new Set(scores.map(({ set }) => set)).size === scores.length, 'a set twice'),
);

/** A self-test in whole numbers; see `SelfTestReport`. */
const selfTestSchema = v.strictObject({
  passed: v.boolean(),
  positions: count(1_000_000),
  agreeing: count(1_000_000),
  gross: count(1_000_000),
  /** Thousandths of a logit. */
  worstMilli: count(1_000_000_000),
});

/** What sort of expert it is, where somebody evaluated it as one. */
export const EXPERT_TYPES = [
  'code_patch',
  'math',
  'verifier',
  'planner',
  'domain',
  'memory',
  'critic',
  'distillation',
] as const;

/** A thousandth of everything that was asked, or of everything that was tried. */
const milliSchema = count(1_000);

/** By how much an evaluation came out better (or, below nothing, worse) than that of another version. */
const gainSchema = v.strictObject({
  set: setNameSchema,
  /** Model hash of the version that it is compared with. */
  against: sha256HexSchema,
  /** Thousandths of the questions. */
  milli: count(1_000, -1_000),
});

/** Same weights in the same shape: what must be equal for two statements to be about one expert. */
export const expertNameEntries = {
  /** The model's id, for instance `spark-1`. */
  expert: modelIdSchema,
  version: text(32),
  /** SHA-256 over the fingerprints of its files; see `manifestHashOf`. */
  modelHash: sha256HexSchema,
};

/** What a node says of an expert that it holds, in whole numbers, for others to route by, to verify and to challenge. */
export const expertCardSchema = v.pipe(
  v.strictObject({
    type: v.literal('expert-card'),
    v: v.literal(1),
    ...expertNameEntries,
    capabilities: v.pipe(v.array(capabilitySchema), v.minLength(1), v.maxLength(16)),
    tasks: v.pipe(v.array(v.picklist(MODEL_TASKS)), v.minLength(1), v.maxLength(MODEL_TASKS.length)),
    quantisation: text(16),
    /** Runtime and backend class, as in `ModelIdentity.engine`. */
    engine: text(64),
    memoryBytes: count(MAX_MODEL_BYTES, 1),
    contextTokens: count(1_048_576, 1),
    /** The capability claim, measured on the author's device: thousandths of a token per second. */
    prefillMilliTokensPerS: count(MAX_PACE, 1),
    decodeMilliTokensPerS: count(MAX_PACE, 1),
    /** Null where the model has no golden transcripts. */
    selfTest: v.nullable(selfTestSchema),
    /** Empty where nobody evaluated it yet. */
    scores: scoresSchema,
    /** Absent where it was not evaluated as anything in particular. */
    expertType: v.optional(v.picklist(EXPERT_TYPES)),
    /** What it was evaluated for, each by the name of a set. */
    domains: v.optional(listOf(setNameSchema, MAX_SCORES, 1)),
    /** What its training was to reach, where its manifest says so. */
    trainingObjective: v.optional(text(200)),
    /** As its manifest names it. */
    licence: v.optional(text(64)),
    /** SHA-256 of each shard that it was trained on, where they are known. */
    dataHashes: v.optional(listOf(sha256HexSchema, MAX_SHARDS)),
    /** Content ids of the policies of the teachers that it learned from. */
    teacherPolicies: v.optional(listOf(cidSchema, MAX_TEACHERS)),
    /** Against the version before, each evaluation that both were asked. */
    gains: v.optional(v.pipe(v.array(gainSchema), v.maxLength(MAX_SCORES))),
    /** Null where nothing could be compared or tried. */
    risks: v.optional(
      v.strictObject({
        /** How alike it answers to the most similar other expert. */
        duplicateMilli: v.nullable(milliSchema),
        /** Questions that an odd string around them gave another answer. */
        backdoorMilli: v.nullable(milliSchema),
      }),
    ),
    /** Who holds the expert, measured it and signs. */
    author: nodeIdSchema,
    at: instantSchema,
    expiresAt: instantSchema,
  }),
  v.check(({ at, expiresAt }) => expiresAt > at && expiresAt - at <= CARD_LIFE_MS, 'an expiry out of bounds'),
);

export type ExpertCard = v.InferOutput<typeof expertCardSchema>;
export type Score = v.InferOutput<typeof scoreSchema>;
/** `id` is the content id of the signed card. */
export type OpenedExpertCard = ExpertCard & { readonly id: string };

/** What a node shows of experts, all signed by itself: its cards, and what it found about the experts that it evaluated. */
export const expertPapersSchema = v.strictObject({
  cards: v.pipe(v.array(signedSchema), v.maxLength(MAX_CARDS)),
  verifications: v.pipe(v.array(signedSchema), v.maxLength(MAX_CARDS)),
});
export type ExpertPapers = v.InferOutput<typeof expertPapersSchema>;

/** Everything of a card but what its making adds. */
export type ExpertDraft = Omit<ExpertCard, 'type' | 'v' | 'author' | 'expiresAt' | 'selfTest'> & {
  readonly selfTest: SelfTestReport | null;
};

/** The signer becomes the author. A draft that the schema refuses is our own bug and throws. */
export function createExpertCard(signer: Signer, { selfTest, ...draft }: ExpertDraft): Promise<Signed> {
  const card: ExpertCard = {
    type: 'expert-card',
    v: 1,
    ...draft,
    selfTest: selfTest && {
      passed: selfTest.passed,
      positions: selfTest.positions,
      agreeing: selfTest.agreeing,
      gross: selfTest.gross,
      worstMilli: Math.round(selfTest.worstMargin * 1_000),
    },
    author: signer.nodeId,
    expiresAt: draft.at + CARD_LIFE_MS,
  };
  return sign(signer, unwrap(checkAgainst(expertCardSchema, card)));
}

/**
 * A card from outside: through the gate, signed by its author and nobody else, within its time. Codes of the gate and of
 * `openSigned`, `signer_missing`, `expired`, `not_yet_valid`.
 */
export async function openExpertCard(signed: Signed, verify: Verify, now: number): Promise<Result<OpenedExpertCard>> {
  const opened = await openSigned(expertCardSchema, signed, verify);
  if (!opened.ok) return opened;
  const card = opened.value;
  if (soleSigner(signed) !== card.author) return fail('signer_missing', 'The expert card is not signed by its author.');
  const timely = withinTime(card, now);
  return timely.ok ? ok({ ...card, id: idOfSigned(signed) }) : timely;
}

/** Whether a statement with a beginning and an end counts now. Codes `expired`, `not_yet_valid`. */
export function withinTime(
  { at, expiresAt }: { readonly at: number; readonly expiresAt: number },
  now: number,
): Result<void> {
  if (expiresAt <= now) return fail('expired', 'The statement about the expert has expired.');
  if (at > now + CLOCK_SKEW_MS) return fail('not_yet_valid', 'The statement about the expert comes from the future.');
  return ok(undefined);
}

/**
 * A claim may be off by this factor in either direction. A device that is used otherwise meanwhile loses up to half of its
 * speed, and so does a measurement over the network; who is off by more claims for another device, or for another time.
 */
export const CLAIM_FACTOR = 2;

/** What a challenge of the author's device found. */
export interface MeasuredCapability {
  readonly modelHash: string;
  readonly engine: string;
  readonly decodeMilliTokensPerS: number;
  /** Null where the challenge could not tell reading from the way over the network. */
  readonly prefillMilliTokensPerS: number | null;
  /** Tokens at which the device answered as the model does, of those looked at. */
  readonly positions: number;
  readonly agreeing: number;
}

/** A challenge whose tokens disagree more than this is answered by another model, or wrongly computed. */
const LEAST_AGREEMENT_PERCENT = 94;

export type ClaimReason =
  'wrong_model' | 'wrong_engine' | 'wrong_tokens' | 'nothing_measured' | 'claims_too_much' | 'claims_too_little';

export interface ClaimJudgement {
  readonly accepted: boolean;
  /** All that speaks against the claim: a stable code and a sentence; empty when accepted. */
  readonly reasons: readonly { readonly code: ClaimReason; readonly sentence: string }[];
}

/** Whether a card's capability claim stands against what a challenge measured. Pure: whoever has both comes to the same. */
export function judgeCapabilityClaim(card: ExpertCard, measured: MeasuredCapability): ClaimJudgement {
  const reasons: { code: ClaimReason; sentence: string }[] = [];
  const against = (code: ClaimReason, sentence: string): void => void reasons.push({ code, sentence });
  if (measured.modelHash !== card.modelHash) against('wrong_model', 'Another model answered than the card names.');
  if (measured.engine !== card.engine) {
    against('wrong_engine', `The card says ${card.engine}, and ${measured.engine} answered.`);
  }
  if (measured.positions === 0) against('nothing_measured', 'The challenge looked at no token.');
  else if (measured.agreeing * 100 < LEAST_AGREEMENT_PERCENT * measured.positions) {
    against('wrong_tokens', `Only ${measured.agreeing} of ${measured.positions} tokens are what the model gives.`);
  }
  const compare = (what: string, claimed: number, found: number): void => {
    if (claimed > found * CLAIM_FACTOR) {
      against('claims_too_much', `It claims to ${what} ${pace(claimed)}, and was measured at ${pace(found)}.`);
    } else if (found > claimed * CLAIM_FACTOR) {
      against('claims_too_little', `It claims to ${what} only ${pace(claimed)}, and was measured at ${pace(found)}.`);
    }
  };
  compare('write', card.decodeMilliTokensPerS, measured.decodeMilliTokensPerS);
  if (measured.prefillMilliTokensPerS !== null) {
    compare('read', card.prefillMilliTokensPerS, measured.prefillMilliTokensPerS);
  }
  return { accepted: reasons.length === 0, reasons };
}

const pace = (milli: number): string => `${Number((milli / 1_000).toPrecision(3))} tokens a second`;
