import * as v from 'valibot';
import { nodeIdSchema } from '../../base/ids';
import type { Signer, Verify } from '../../base/ports';
import { fail, ok, unwrap, type Result } from '../../base/result';
import { instantSchema, soleSigner } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { idOfSigned, openSigned, sign, type Signed } from '../../wire/signed';
import { violationsOf, type NamingRule, type Violation } from '../rules/naming-rule';
import { firstOf, livesAtMost, reportOf, text } from './card-fields';
import { outOfTime } from './time-rules';

/** Terms of use change; whoever vouches for them looks at them again once a year. */
export const TEACHER_POLICY_LIFE_MS = 366 * 24 * 60 * 60_000;

/**
 * What the owner of a teacher allows to be done with its outputs, as somebody signs who read its terms. Whose word
 * counts is for whoever trains to decide.
 */
export const teacherPolicySchema = v.pipe(
  v.strictObject({
    type: v.literal('teacher-policy'),
    v: v.literal(1),
    /** The teacher: a model's id, a person, a text. */
    teacher: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'not a name of a teacher')),
    /** What sort of teacher, such as `model` or `human`. */
    teacherType: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,31}$/, 'not a sort of teacher')),
    licence: text(64),
    /** Which version of the terms was read. */
    termsVersion: text(64),
    allowedForTraining: v.boolean(),
    /** Whether outputs may be kept. */
    allowedOutputsRetention: v.boolean(),
    allowedForCommercialUse: v.boolean(),
    dataPolicy: v.optional(text(1_000)),
    notes: v.optional(text(1_000)),
    /** Who read the terms, and signs. */
    author: nodeIdSchema,
    at: instantSchema,
    expiresAt: instantSchema,
  }),
  v.check((body) => livesAtMost(body, TEACHER_POLICY_LIFE_MS), 'an expiry out of bounds'),
);

export type TeacherPolicyCard = v.InferOutput<typeof teacherPolicySchema>;
export type OpenedTeacherPolicy = TeacherPolicyCard & { readonly id: string };
export type TeacherPolicyDraft = Omit<TeacherPolicyCard, 'type' | 'v' | 'author' | 'expiresAt'>;

/** The signer becomes the author. A draft that the schema refuses is our own bug and throws. */
export function createTeacherPolicy(signer: Signer, draft: TeacherPolicyDraft): Promise<Signed> {
  const card: TeacherPolicyCard = {
    type: 'teacher-policy',
    v: 1,
    ...draft,
    author: signer.nodeId,
    expiresAt: draft.at + TEACHER_POLICY_LIFE_MS,
  };
  return sign(signer, unwrap(checkAgainst(teacherPolicySchema, card)));
}

/**
 * A policy from outside: through the gate, signed by its author and nobody else, within its time. Codes of the gate and
 * of `openSigned`, `signer_missing`, `expired`, `not_yet_valid`.
 */
export async function openTeacherPolicy(
  signed: Signed,
  verify: Verify,
  now: number,
): Promise<Result<OpenedTeacherPolicy>> {
  const opened = await openSigned(teacherPolicySchema, signed, verify);
  if (!opened.ok) return opened;
  const card = opened.value;
  if (soleSigner(signed) !== card.author)
    return fail('signer_missing', 'The teacher policy is not signed by its author.');
  const timely = firstOf(reportOf([outOfTime(card, now, 'The teacher policy')]));
  return timely.ok ? ok({ ...card, id: idOfSigned(signed) }) : timely;
}

interface SampleOf {
  readonly card: TeacherPolicyCard;
  readonly sampleTeacher: string;
}

/** Before a sample of a teacher may be trained on. Each rule may rely on those above it. */
export const TEACHER_RULES: readonly NamingRule<SampleOf>[] = [
  {
    name: 'teacher_mismatch',
    sentence: 'The policy is about another teacher than the sample: ….',
    wrong: ({ card, sampleTeacher }) =>
      card.teacher === sampleTeacher ? [] : [`${card.teacher}, not ${sampleTeacher}`],
  },
  {
    name: 'training_not_allowed',
    sentence: 'The terms of … allow no training on its outputs.',
    wrong: ({ card }) => (card.allowedForTraining ? [] : [card.teacher]),
  },
  {
    name: 'retention_not_allowed',
    sentence: 'The terms of … do not allow its outputs to be kept.',
    wrong: ({ card }) => (card.allowedOutputsRetention ? [] : [card.teacher]),
  },
];

/** Why a sample of this teacher may not be trained on, or null: the first of `TEACHER_RULES` that does not hold. */
export const againstTrainingOn = (card: TeacherPolicyCard, sampleTeacher: string): Violation | null =>
  violationsOf(TEACHER_RULES, { card, sampleTeacher })[0] ?? null;
