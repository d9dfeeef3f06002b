import { cidOf, encodeCanonical } from '../../base/canonical';
import type { Verify } from '../../base/ports';
import { fail, ok, type Failure, type Result } from '../../base/result';
import { idOfSigned, openSigned, type Signed } from '../../wire/signed';
import type { TeacherPolicyCard } from '../cards/teacher-policy';
import type { OpenedContribution } from '../contribution-terms';
import { CONTRIBUTION_RULES, giversOf, lowerMedian, measuringOf } from '../rules/contribution-rules';
import { keepsAll } from '../rules/rule';
import {
  anyContributionSchema,
  contributionIdOf,
  type Contribution,
  type SkillContribution,
} from './contribution-receipt';
import { openFinding, type Finding, type OpenedFinding } from './finding';
import { openTeachers } from './open-teachers';

/** A contribution's receipt with every signature in it verified. */
export interface OpenedContributionReceipt {
  readonly id: string;
  readonly type: 'contribution-receipt' | 'skill-receipt';
  readonly contributionId: string;
  readonly contribution: Contribution | SkillContribution;
  readonly findings: readonly OpenedFinding[];
  readonly teachers: readonly TeacherPolicyCard[];
  /** The first rule of contributions that it breaks. */
  readonly fault: Failure | null;
}

/**
 * A receipt from outside: through the gate, signed by the contributing node and the person whom it names and nobody else, with what it
 * carries. A receipt that breaks a rule opens, with its fault. Codes of the gate and of `openSigned`, `signer_missing`,
 * `foreign_signature`.
 */
export async function openContributionReceipt(
  signed: Signed,
  verify: Verify,
): Promise<Result<OpenedContributionReceipt>> {
  const opened = await openSigned(anyContributionSchema, signed, verify);
  if (!opened.ok) return opened;
  const { type, contribution } = opened.value;
  const { node, person } = contribution.contributor;
  const named = person === null ? [node] : [node, person];
  const signers = signed.signatures.map(({ keyId }) => keyId);
  if (!named.every((one) => signers.includes(one)))
    return fail('signer_missing', 'The contribution is not signed by everyone whom it names.');
  if (!signers.every((one) => named.includes(one)))
    return fail('foreign_signature', 'A contribution is signed by somebody whom it does not name.');
  const teachers = await openTeachers(contribution.source, verify);
  if (!teachers.ok) return teachers;
  const findings: OpenedFinding[] = [];
  for (const one of opened.value.findings) {
    const finding = await openFinding(one, verify);
    if (!finding.ok) return finding;
    findings.push(finding.value);
  }
  const contributionId = contributionIdOf(contribution);
  return ok({
    id: idOfSigned(signed),
    type,
    contributionId,
    contribution,
    findings,
    teachers: teachers.value,
    fault: faultOf(
      { id: contributionId, contribution, teachers: teachers.value },
      findings.map(({ finding }) => finding),
    ),
  });
}

/** The first rule of contributions that a receipt with these findings breaks. `id` is `contributionIdOf` the contribution. */
export function faultOf(
  {
    id,
    contribution,
    teachers,
  }: Pick<OpenedContributionReceipt, 'contribution' | 'teachers'> & { readonly id: string },
  findings: readonly Finding[],
): Failure | null {
  const kept = keepsAll(CONTRIBUTION_RULES, {
    contributionId: id,
    contribution,
    findings,
    source: contribution.source,
    teachers,
    givers: giversOf(contribution),
    at: contribution.at,
  });
  return kept.ok ? null : kept.error;
}

/** What decides about money. Codes of `openContributionReceipt`. */
export async function openContribution(signed: Signed, verify: Verify): Promise<Result<OpenedContribution>> {
  const opened = await openContributionReceipt(signed, verify);
  if (!opened.ok) return opened;
  const { id, contribution, findings, fault } = opened.value;
  return ok({
    receipt: id,
    account: contribution.credit.account,
    mintKey: mintKeyOf(contribution),
    mintMicros: mintMicros(
      contribution,
      findings.map(({ finding }) => finding),
    ),
    fault,
  });
}

/** The same for all receipts of one content as one kind on one basis, whoever gives it, whatever else they say. */
export const mintKeyOf = ({ content, kind, credit }: Contribution | SkillContribution): string =>
  cidOf(encodeCanonical({ type: 'mint-key', v: 1, content: content.hash, kind, basis: credit.basis }));

/**
 * What a contribution comes to: base × multiplier, rounded down. The multiplier is the lower median of the quality that its verifiers
 * found, held between floor and cap; with nobody's figure it is the floor. No size of anything goes into it.
 */
export function mintMicros(contribution: Contribution | SkillContribution, findings: readonly Finding[]): number {
  const { baseMicros, multiplierFloorMilli, multiplierCapMilli } = contribution.credit;
  const found = measuringOf({ contribution, findings }).flatMap(({ qualityMilli }) =>
    qualityMilli === null ? [] : [qualityMilli],
  );
  const milli = Math.max(multiplierFloorMilli, Math.min(lowerMedian(found) ?? 0, multiplierCapMilli));
  // By thousands first, so that no product leaves the exact integers.
  return Math.floor(baseMicros / 1_000) * milli + Math.floor(((baseMicros % 1_000) * milli) / 1_000);
}
