import * as v from 'valibot';
import { cidOf, encodeCanonical } from '../../base/canonical';
import type { Signer } from '../../base/ports';
import { unwrap } from '../../base/result';
import { instantSchema } from '../../identity/community';
import { checkAgainst } from '../../wire/gate';
import { addSignature, sign, signedSchema, type Signed } from '../../wire/signed';
import { listOf, text } from '../cards/card-fields';
import { contributionEntries } from './growth-fields';

/** For each receipt that a contribution needs a handful of verifiers. */
const MAX_FINDINGS = 20;

/** What somebody says that they add: worth nothing until others found it true. */
export const contributionSchema = v.strictObject({ ...contributionEntries, at: instantSchema });

const sentence = text(500);

/** A skill besides: what goes in, what is done, what comes out, and what it needs for that. */
export const skillContributionSchema = v.strictObject({
  ...contributionEntries,
  kind: v.literal('skill'),
  skill: v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,47}$/, 'not the id of a skill')),
    version: text(32),
    /** What sort of skill, such as `patching` or `summarising`. */
    type: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,31}$/, 'not a sort of skill')),
    input: sentence,
    operation: sentence,
    output: sentence,
    tools: listOf(text(64), 16),
    constraints: v.pipe(v.array(text(200)), v.maxLength(8)),
    /** Whether the same input gives the same output: always, with the same seed, or not. */
    determinism: v.picklist(['deterministic', 'seeded', 'sampled']),
  }),
  at: instantSchema,
});

const findings = v.pipe(v.array(signedSchema), v.maxLength(MAX_FINDINGS));

/**
 * A contribution of one of the six kinds with what others found about it. Signed by the contributing node and, where one is
 * named, by the person behind it.
 */
export const contributionReceiptSchema = v.strictObject({
  type: v.literal('contribution-receipt'),
  v: v.literal(1),
  contribution: contributionSchema,
  findings,
});

/** The same for a skill with its contract. */
export const skillReceiptSchema = v.strictObject({
  type: v.literal('skill-receipt'),
  v: v.literal(1),
  contribution: skillContributionSchema,
  findings,
});

export const anyContributionSchema = v.variant('type', [contributionReceiptSchema, skillReceiptSchema]);

export type Contribution = v.InferOutput<typeof contributionSchema>;
export type SkillContribution = v.InferOutput<typeof skillContributionSchema>;

/** What verifiers sign: the content id of every word of it. */
export const contributionIdOf = (contribution: Contribution | SkillContribution): string =>
  cidOf(encodeCanonical(contribution));

/**
 * The receipt, signed by the node and the person. It says nothing about whether the rules are kept; a contribution that the
 * schema refuses is our own bug and throws.
 */
export async function createContribution(
  { node, person }: { readonly node: Signer; readonly person: Signer | null },
  contribution: Contribution | SkillContribution,
  foundByOthers: readonly Signed[],
): Promise<Signed> {
  const type = 'skill' in contribution ? 'skill-receipt' : 'contribution-receipt';
  const body = unwrap(checkAgainst(anyContributionSchema, { type, v: 1, contribution, findings: foundByOthers }));
  const signed = await sign(node, body);
  return person === null ? signed : addSignature(person, signed);
}
