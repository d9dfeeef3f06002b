import type { NodeId } from '../../base/ids';
import { equalBytes } from '../../base/bytes';
import type { EconomyPolicy } from '../../identity/economy-policy';
import { PRIVACY_CLASSES } from '../cards/card-fields';
import type { ChainEntry } from '../chain';
import { windowSecondsFor } from '../credits';
import type { EventOf } from '../events';
import type { OfferTerms } from '../offer-terms';
import type { OpenedSettlement, OpenedVerdict } from '../open-event';
import { CHALLENGE_METHODS, REQUIRED_RECEIPTS, type InferenceWorkReceipt } from '../work-receipts';
import type { Rule } from './rule';

/** A reservation as what is paid from it is held against it. */
export interface ReservedWork {
  readonly id: string;
  readonly payer: NodeId;
  readonly payee: NodeId;
  readonly jobId: string;
  readonly purpose: 'work' | 'bond';
  readonly offer: string | null;
  readonly amountMicros: number;
  readonly idempotencyKey: string;
  /** When the payer said that it was. */
  readonly at: number;
  readonly expiresAt: number;
}

export const reservedWorkOf = ({ id, author, at, event }: ChainEntry<EventOf<'reservation.made'>>): ReservedWork => ({
  id,
  payer: author,
  payee: event.payee,
  jobId: event.jobId,
  purpose: event.purpose,
  offer: event.offer,
  amountMicros: event.amountMicros,
  idempotencyKey: event.idempotencyKey,
  at,
  expiresAt: event.expiresAt,
});

export interface ProposalContext extends OpenedSettlement {
  readonly community: string;
  readonly policy: EconomyPolicy | null;
  /** Null: no reservation of that name stands. */
  readonly reservation: ReservedWork | null;
}

/** What the work costs under an offer: the least, or by the token. */
export const chargeFor = ({ rateMicros, minimumMicros }: OfferTerms, tokens: number): number =>
  Math.max(minimumMicros, tokens * rateMicros);

const tokensOf = ({ work }: InferenceWorkReceipt): number => work.inputTokens + work.outputTokens;
const validatorsOf = (verdicts: readonly OpenedVerdict[]): NodeId[] => verdicts.map(({ verdict }) => verdict.validator);

/** Whether more validators accept than reject; those who could not tell count for nothing. */
export const accepts = (verdicts: readonly OpenedVerdict[]): boolean => {
  const count = (wanted: string): number => verdicts.filter(({ verdict }) => verdict.verdict === wanted).length;
  return count('accepted') > count('rejected');
};

/** Before anything is paid. Each rule may rely on those above it. */
export const PROPOSAL_RULES: readonly Rule<ProposalContext>[] = [
  {
    name: 'no_economy',
    sentence: 'Members of this community do not pay each other.',
    holds: ({ policy }) => policy !== null,
  },
  {
    name: 'nothing_reserved',
    sentence: 'Work is to be paid for which nothing was reserved.',
    holds: ({ reservation }) => reservation !== null && reservation.purpose === 'work',
  },
  {
    name: 'wrong_community',
    sentence: 'A work receipt belongs to another community.',
    holds: ({ community, receipt }) => receipt.community === community,
  },
  {
    name: 'ids_do_not_match',
    sentence: 'Receipt and reservation do not name the same job, payer, node and account.',
    holds: ({ receipt, reservation }) =>
      receipt.jobId === reservation!.jobId &&
      receipt.payer === reservation!.payer &&
      receipt.executor === reservation!.payee &&
      receipt.creditAccount === reservation!.payee,
  },
  {
    name: 'wrong_spend_key',
    sentence: 'A work receipt is bound to another reservation.',
    holds: ({ receipt, reservation }) =>
      receipt.duplicateSpend.spendKey === reservation!.id &&
      receipt.duplicateSpend.idempotencyKey === reservation!.idempotencyKey,
  },
  {
    name: 'previous_receipt',
    sentence: 'A reservation is spent once, so no receipt comes before the one that spends it.',
    holds: ({ receipt }) => receipt.duplicateSpend.previousReceipt === null,
  },
  {
    name: 'wrong_offer',
    sentence: 'A work receipt names another advertisement than the reservation.',
    holds: ({ receipt, offer, reservation }) =>
      receipt.offer === offer.id && offer.id === reservation!.offer && offer.node === receipt.executor,
  },
  {
    name: 'offer_expired',
    sentence: 'The advertisement had expired when the work was reserved.',
    holds: ({ offer, reservation }) => reservation!.at < offer.expiresAt,
  },
  {
    name: 'task_not_offered',
    sentence: 'The advertisement does not offer that kind of work.',
    holds: ({ receipt, offer }) => offer.taskClasses.includes(receipt.taskClass),
  },
  {
    name: 'wrong_sandbox',
    sentence: 'The work was done under another sandbox profile than was offered.',
    holds: ({ receipt, offer }) => receipt.policy.sandboxProfile === offer.sandboxProfile,
  },
  {
    name: 'too_private',
    sentence: 'The prompt was more private than the advertisement takes.',
    holds: ({ receipt, offer }) =>
      PRIVACY_CLASSES.indexOf(receipt.policy.privacyClass) <= PRIVACY_CLASSES.indexOf(offer.maxPromptPrivacyClass),
  },
  {
    name: 'wrong_expert',
    sentence: 'The work was done with another model than was offered.',
    holds: ({ receipt, offer }) => receipt.expert?.id === offer.expert && receipt.expert.hash === offer.modelHash,
  },
  {
    name: 'not_for_credit',
    sentence: 'The work is not allowed to be paid in credit.',
    holds: ({ receipt }) => receipt.policy.allowedForCredit,
  },
  {
    name: 'receipts_not_required',
    sentence: 'A work receipt does not ask for the receipts that must come with it.',
    holds: ({ receipt }) => REQUIRED_RECEIPTS.every((one) => receipt.policy.receiptRequirements.includes(one)),
  },
  {
    name: 'challenge_methods_missing',
    sentence: 'A work receipt does not allow all four ways to challenge it.',
    holds: ({ receipt }) => CHALLENGE_METHODS.every((method) => receipt.challenge.methods.includes(method)),
  },
  {
    name: 'no_verifiers',
    sentence: 'A work receipt names nobody who may verify it.',
    holds: ({ receipt }) => receipt.challenge.verifierSet.length > 0,
  },
  {
    name: 'times_reversed',
    sentence: 'The work ended before it began.',
    holds: ({ receipt }) => receipt.work.completedAt >= receipt.work.startedAt,
  },
  {
    name: 'longer_than_between',
    sentence: 'The work took longer than the time between its beginning and its end.',
    // What takes no measurable time takes a millisecond all the same.
    holds: ({ receipt: { work } }) => work.wallTimeMs <= Math.max(1, work.completedAt - work.startedAt),
  },
  {
    name: 'wrong_charge',
    sentence: 'The charge is not what the advertisement says for these tokens.',
    holds: ({ receipt, offer }) => receipt.chargeMicros === chargeFor(offer, tokensOf(receipt)),
  },
  {
    name: 'metered_above_charge',
    sentence: 'The metered cost is above the charge.',
    holds: ({ receipt }) => receipt.work.meteredCostMicros <= receipt.chargeMicros,
  },
  {
    name: 'charge_above_reserved',
    sentence: 'The charge is more than was reserved.',
    holds: ({ receipt, reservation }) => receipt.chargeMicros <= reservation!.amountMicros,
  },
  {
    name: 'wrong_window',
    sentence: 'The challenge window is not the one that the community gives to such a charge.',
    holds: ({ receipt, policy }) => receipt.challenge.windowSeconds === windowSecondsFor(policy!, receipt.chargeMicros),
  },
  {
    name: 'wrong_commitment',
    sentence: 'The receipt is not about what the node committed to.',
    holds: ({ receipt, commitment, commitmentId }) =>
      receipt.commitments.commitment === commitmentId &&
      commitment.executor === receipt.executor &&
      commitment.requester === receipt.payer &&
      commitment.jobId === receipt.jobId &&
      commitment.capability === receipt.taskClass &&
      commitment.traceId === receipt.commitments.routeTraceId &&
      equalBytes(commitment.input, receipt.commitments.input) &&
      equalBytes(commitment.output, receipt.commitments.output),
  },
  {
    name: 'foreign_verdict',
    sentence: 'A verdict is about other work.',
    holds: ({ verdicts, commitmentId, commitment }) =>
      verdicts.every(({ verdict }) => verdict.commitment === commitmentId && verdict.jobId === commitment.jobId),
  },
  {
    name: 'verdict_twice',
    sentence: 'A validator stands twice under one settlement.',
    holds: ({ verdicts }) => new Set(validatorsOf(verdicts)).size === verdicts.length,
  },
  {
    name: 'judges_own_work',
    sentence: 'Somebody checked work that they asked for or did.',
    holds: ({ verdicts, receipt }) =>
      validatorsOf(verdicts).every((validator) => validator !== receipt.executor && validator !== receipt.payer),
  },
  {
    name: 'verifier_not_named',
    sentence: 'A validator is not among those whom the receipt names.',
    holds: ({ verdicts, receipt }) =>
      validatorsOf(verdicts).every((validator) => receipt.challenge.verifierSet.includes(validator)),
  },
  {
    name: 'not_accepted',
    sentence: 'The work was not accepted by those who checked it.',
    holds: ({ verdicts }) => accepts(verdicts),
  },
];
