import * as v from 'valibot';
import { encodeCanonical } from '../../base/canonical';
import type { NodeId } from '../../base/ids';
import type { Verify } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import { checkAgainst, decodeThrough } from '../../wire/gate';
import { signedSchema, type Signed } from '../../wire/signed';
import type { TeacherPolicyCard } from '../cards/teacher-policy';
import { MAX_GROWTH_STATEMENT_BYTES } from '../events';
import { openMintApproval, type MintApproval } from '../mint-approval';
import {
  contributionIdOf,
  contributionSchema,
  skillContributionSchema,
  type Contribution,
  type SkillContribution,
} from './contribution-receipt';
import { openFinding, type Finding } from './finding';
import { openTeachers } from './open-teachers';

const statementSchema = v.variant('type', [
  /** What this node gives, so that others look at it. Its entry is its signature; the receipt is signed when others have looked. */
  v.strictObject({
    type: v.literal('contribution-declared'),
    v: v.literal(1),
    contribution: v.union([skillContributionSchema, contributionSchema]),
  }),
  /** What this node found about a contribution of another: signed by itself, because receipts carry it. */
  v.strictObject({ type: v.literal('contribution-found'), v: v.literal(1), finding: signedSchema }),
  /** The terms of a teacher as this node read them: whoever gives what holds its outputs needs somebody else to have read them. */
  v.strictObject({ type: v.literal('terms-read'), v: v.literal(1), policy: signedSchema }),
  /** A curator's word that a receipt is worth what it comes to. */
  v.strictObject({ type: v.literal('mint-approved'), v: v.literal(1), approval: signedSchema }),
]);

/** What a member says of contributions in its log. */
export type GrowthStatement = v.InferOutput<typeof statementSchema>;

/** The same with every signature in it verified. */
export type OpenedGrowthStatement =
  | {
      readonly kind: 'declared';
      readonly contributionId: string;
      readonly contribution: Contribution | SkillContribution;
      readonly teachers: readonly TeacherPolicyCard[];
    }
  | { readonly kind: 'found'; readonly signed: Signed; readonly finding: Finding }
  | { readonly kind: 'terms'; readonly signed: Signed; readonly policy: TeacherPolicyCard }
  | { readonly kind: 'approved'; readonly signed: Signed; readonly by: NodeId; readonly approval: MintApproval };

/** As it stands in a log. Codes: `malformed`, `statement_too_long`. */
export function encodeGrowthStatement(statement: GrowthStatement): Result<Uint8Array<ArrayBuffer>> {
  const checked = checkAgainst(statementSchema, statement);
  if (!checked.ok) return checked;
  const bytes = encodeCanonical(checked.value);
  return bytes.length > MAX_GROWTH_STATEMENT_BYTES
    ? fail('statement_too_long', 'This is more than one entry of a log holds: shorten its lists or its sentences.')
    : ok(bytes);
}

/**
 * A statement out of the log of `author`, who speaks for itself alone. Whether it keeps the rules of contributions is not looked at. Codes
 * of the gate and of `openSigned`, `signer_missing`, `foreign_statement`.
 */
export async function openGrowthStatement(
  bytes: Uint8Array,
  author: NodeId,
  verify: Verify,
): Promise<Result<OpenedGrowthStatement>> {
  const decoded = decodeThrough(statementSchema, bytes, MAX_GROWTH_STATEMENT_BYTES);
  if (!decoded.ok) return decoded;
  const statement = decoded.value;
  switch (statement.type) {
    case 'contribution-declared': {
      const { contribution } = statement;
      if (contribution.contributor.node !== author) return foreign;
      const teachers = await openTeachers(contribution.source, verify);
      if (!teachers.ok) return teachers;
      const contributionId = contributionIdOf(contribution);
      return ok({ kind: 'declared', contributionId, contribution, teachers: teachers.value });
    }
    case 'contribution-found': {
      const finding = await openFinding(statement.finding, verify);
      if (!finding.ok) return finding;
      if (finding.value.finding.verifier !== author) return foreign;
      return ok({ kind: 'found', signed: statement.finding, finding: finding.value.finding });
    }
    case 'terms-read': {
      const opened = await openTeachers({ teacherPolicies: [statement.policy] }, verify);
      if (!opened.ok) return opened;
      const [policy] = opened.value;
      if (policy?.author !== author) return foreign;
      return ok({ kind: 'terms', signed: statement.policy, policy });
    }
    case 'mint-approved': {
      const approval = await openMintApproval(statement.approval, verify);
      if (!approval.ok) return approval;
      if (approval.value.by !== author) return foreign;
      return ok({ kind: 'approved', signed: statement.approval, ...approval.value });
    }
  }
}

const foreign = fail('foreign_statement', 'A statement stands in the log of somebody who did not make it.');
