import type { Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { TermsRead } from '#core/ledger/growth/collect-contributions';
import {
  anyContributionSchema,
  type Contribution,
  type SkillContribution,
} from '#core/ledger/growth/contribution-receipt';
import { BASIS_OF_KIND, receiptsNeededBy, type Source } from '#core/ledger/growth/growth-fields';
import type { Ledger } from '#core/ledger/ledger';
import { openReceipt } from '#core/ledger/receipts';
import { checkAgainst } from '#core/wire/gate';
import type { Signed } from '#core/wire/signed';
import type { ContributionDraft } from './growth-views';

/** What others find counts by halves and doubles of what was asked: nobody's word makes it worth nothing, or a fortune. */
const FLOOR_MILLI = 500;
const CAP_MILLI = 2_000;
interface DraftDeps {
  readonly ledger: Ledger;
  /** Who stands behind the node; null where nobody does. */
  readonly person: () => Promise<Result<Signer | null>>;
  readonly verify: Verify;
  readonly clock: Pick<Clock, 'now'>;
  /** That members read; a draft names some by their ids. */
  readonly terms: readonly TermsRead[];
}

/**
 * What a person says of what they give, with all that follows from its kind, as its schema takes it. Codes: `malformed`, `unknown_terms`,
 * `unknown_receipt`, those of `person`, storage codes.
 */
export async function contributionFrom(
  draft: ContributionDraft,
  deps: DraftDeps,
): Promise<Result<Contribution | SkillContribution>> {
  const { author: self } = deps.ledger;
  const source = sourceOf(draft, deps.terms);
  if (!source.ok) return source;
  const execution = await executionOf(draft, deps);
  if (!execution.ok) return execution;
  const behind = await deps.person();
  if (!behind.ok) return behind;
  const { kind, title, content, use, delta, skill } = draft;
  const needed = [...receiptsNeededBy(kind, skill !== null)];
  const contribution = {
    kind,
    title,
    contributor: { node: self, person: behind.value?.nodeId ?? null },
    content,
    source: source.value,
    use,
    credit: {
      currency: 'AEM_CREDIT' as const,
      account: self,
      basis: BASIS_OF_KIND[kind],
      baseMicros: draft.baseMicros,
      multiplierFloorMilli: FLOOR_MILLI,
      multiplierCapMilli: CAP_MILLI,
      resaleAllowed: false,
    },
    evaluation: {
      requiredTests: needed,
      adoptionCriteria: [draft.adoptionCriterion],
      killCriteria: [draft.killCriterion],
      delta,
    },
    antiDistillation: {
      noUnauthorisedCompetitorDistillation: draft.undistilled,
      teacherPolicyRequired: true,
      exportPolicy: 'open_receipt' as const,
    },
    execution: execution.value,
    receiptsRequired: needed,
    ...(skill === null ? {} : { skill }),
    at: deps.clock.now(),
  };
  const type = skill === null ? 'contribution-receipt' : 'skill-receipt';
  const checked = checkAgainst(anyContributionSchema, { type, v: 1, contribution, findings: [] });
  return checked.ok ? ok(checked.value.contribution) : checked;
}

/** The jobs that a skill is shown by, with what those who checked them said; null for other kinds. */
async function executionOf(
  { kind, executions }: ContributionDraft,
  { ledger, verify }: Pick<DraftDeps, 'ledger' | 'verify'>,
): Promise<Result<Contribution['execution']>> {
  if (kind !== 'skill') return ok(null);
  const demoJobs: string[] = [];
  const verifierReports: string[] = [];
  for (const id of executions) {
    const signed = await ledger.receiptOf(id);
    if (!signed.ok) return signed;
    const opened = signed.value === null ? null : await openReceipt(signed.value, verify);
    if (!opened?.ok) return fail('unknown_receipt', 'A receipt that shows the skill is not on this device any more.');
    demoJobs.push(opened.value.receipt.jobId);
    verifierReports.push(...opened.value.receipt.verdicts);
  }
  const once = (all: readonly string[]) => [...new Set(all)];
  return ok({ demoJobs: once(demoJobs), receipts: once(executions), verifierReports: once(verifierReports) });
}

function sourceOf({ source, terms: wanted }: ContributionDraft, terms: DraftDeps['terms']): Result<Source> {
  const teacherPolicies = wanted.map((id) => terms.find((one) => one.id === id)?.signed);
  if (teacherPolicies.includes(undefined)) return fail('unknown_terms', 'These terms are not on this device.');
  return ok({ ...source, teacherPolicies: teacherPolicies as Signed[] });
}
