import type { Verify } from '../base/ports';
import { PRIVACY_CLASSES } from '../ledger/cards/card-fields';
import { openTrainingWorkReceipt, type OpenedTraining } from '../ledger/growth/training-work-receipt';
import type { ClosingState } from '../ledger/ledger-state';
import type { ReplayedLogs } from '../ledger/replay';
import {
  openVerificationReceipt,
  openWorkReceipt,
  type OpenedWorkReceipt,
  type VerificationReceipt,
} from '../ledger/work-receipts';
import { idOfSigned } from '../wire/signed';
import type { CheckedCards } from './check-cards';
import type { CheckedGrowth } from './check-growth';
import { LEDGER_FILE } from './economy-files';
import type { FaultList } from './economy-report';
import type { StatementFile } from './statement-files';

type Against = (code: string, sentence: string) => void;

/** What receipts of work are held against. */
export interface WorkContext {
  readonly verify: Verify;
  readonly community: string;
  readonly cards: CheckedCards;
  readonly growth: CheckedGrowth;
  /** Null where the logs could not be read: then nothing was paid that anybody could show. */
  readonly replayed: ReplayedLogs | null;
}

/**
 * Every receipt of work by itself, beside the offer and the cards under which it was done, and beside what the ledger paid: both
 * ways, so that neither says anything that the other does not.
 */
export async function checkWork(
  statements: readonly StatementFile[],
  context: WorkContext,
  faults: FaultList,
): Promise<void> {
  const works = new Set<string>();
  const verifications = new Set<string>();
  const settled = settledWork(context.replayed);

  for (const { file, type, id, signed } of statements) {
    const against: Against = (code, sentence) => faults.against('work', file, { code, sentence });
    faults.checked('work');
    if (type === 'inference-work-receipt') {
      const opened = await openWorkReceipt(signed, context.verify);
      if (!opened.ok) against(opened.error.code, opened.error.message);
      else {
        works.add(id);
        againstWork(opened.value, settled, context, against);
      }
    } else if (type === 'verification-receipt') {
      const opened = await openVerificationReceipt(signed, context.verify);
      if (!opened.ok) against(opened.error.code, opened.error.message);
      else {
        verifications.add(id);
        againstVerification(opened.value, settled, context, against);
      }
    } else {
      const opened = await openTrainingWorkReceipt(signed, context.verify);
      if (!opened.ok) against(opened.error.code, opened.error.message);
      else againstTraining(opened.value, settled, context, against);
    }
  }

  for (const { closing, receipt } of settled.values())
    if (!works.has(receipt))
      faults.against('work', LEDGER_FILE, {
        code: 'receipt_missing',
        sentence: `The receipt of ${closing.jobId}, which the ledger paid, is not in the set.`,
      });
  for (const { section, file, receipts, reports } of context.growth.shown) {
    if (!receipts.every((one) => works.has(one)))
      faults.against(section, file, {
        code: 'execution_missing',
        sentence: 'A receipt that shows the skill at work is not in the set, or does not hold.',
      });
    if (!reports.every((one) => verifications.has(one)))
      faults.against(section, file, {
        code: 'report_missing',
        sentence: 'A report of somebody who checked that work is not in the set, or does not hold.',
      });
  }
}

interface SettledWork {
  readonly closing: ClosingState;
  /** Content id of the receipt that was paid by. */
  readonly receipt: string;
}

/** Paid work by its reservation, as the closing that counts shows it. */
function settledWork(replayed: ReplayedLogs | null): ReadonlyMap<string, SettledWork> {
  const byReservation = new Map<string, SettledWork>();
  for (const { event, inside } of replayed?.entries ?? []) {
    if (event.kind !== 'settlement.closed' || event.settlement === null || inside.kind !== 'closing') continue;
    const closing = replayed!.fold.state.closingByReservation.get(inside.reservation.id);
    if (closing?.id === inside.id && closing.outcome === 'settled')
      byReservation.set(closing.reservation, { closing, receipt: idOfSigned(event.settlement.receipt) });
  }
  return byReservation;
}

function againstWork(
  { id, receipt, acknowledged }: OpenedWorkReceipt,
  settled: ReadonlyMap<string, SettledWork>,
  { community, cards }: WorkContext,
  against: Against,
): void {
  if (!acknowledged) against('not_acknowledged', 'The payer did not sign the receipt.');
  if (receipt.community !== community) against('wrong_community', 'The receipt belongs to another community.');
  const offer = cards.offersById.get(receipt.offer);
  if (offer === undefined) against('offer_missing', 'The offer of the work is not in the set, or does not hold.');
  else {
    if (offer.node !== receipt.executor) against('other_node', 'The offer is of another node than did the work.');
    if (receipt.expert?.id !== offer.expert || receipt.expert.hash !== offer.modelHash)
      against('other_expert', 'The work was done by another expert than the offer names.');
    const classes = [receipt.policy.privacyClass, offer.policy.maxPromptPrivacyClass].map((one) =>
      PRIVACY_CLASSES.indexOf(one),
    );
    if (classes[0]! > classes[1]!) against('too_private', 'The prompt was more private than the offer allows.');
  }
  const paid = settled.get(receipt.duplicateSpend.spendKey);
  if (paid === undefined) against('not_settled', 'The ledger did not pay that work.');
  else {
    if (paid.receipt !== id) against('other_receipt', 'The ledger paid that work by another receipt.');
    if (paid.closing.chargeMicros !== receipt.chargeMicros)
      against('wrong_charge', 'The ledger charged another amount than the receipt says.');
  }
}

function againstVerification(
  receipt: VerificationReceipt,
  settled: ReadonlyMap<string, SettledWork>,
  { community }: WorkContext,
  against: Against,
): void {
  if (receipt.community !== community) against('wrong_community', 'The receipt belongs to another community.');
  const paid = [...settled.values()].find(({ closing }) => closing.id === receipt.settlement);
  if (paid === undefined) {
    against('not_settled', 'The ledger did not pay the work that was checked.');
    return;
  }
  const { jobId, payer, payee, credits } = paid.closing;
  if (receipt.jobId !== jobId || receipt.payer !== payer || receipt.executor !== payee)
    against('ids_do_not_match', 'The receipt and what the ledger paid are not about the same job.');
  if ((credits.find(({ node }) => node === receipt.validator)?.micros ?? 0) !== receipt.paidMicros)
    against('wrong_payment', 'The ledger paid another amount for checking than the receipt says.');
}

function againstTraining(
  { receipt, acknowledged, fault }: OpenedTraining,
  settled: ReadonlyMap<string, SettledWork>,
  { community, growth }: WorkContext,
  against: Against,
): void {
  if (fault !== null) against(fault.code, fault.message);
  if (!acknowledged) against('not_acknowledged', 'The payer did not sign the receipt.');
  if (receipt.community !== community) against('wrong_community', 'The receipt belongs to another community.');
  if (!receipt.dataShards.every((one) => growth.shards.has(one)))
    against('shard_missing', 'A data shard that was trained on is not in the set, or does not hold.');
  const paid = settled.get(receipt.reservation)?.closing;
  if (paid === undefined || paid.id !== receipt.settlement) {
    against('not_settled', 'The ledger did not pay that training.');
    return;
  }
  if (receipt.jobId !== paid.jobId || receipt.payer !== paid.payer || receipt.trainer !== paid.payee)
    against('ids_do_not_match', 'The receipt and what the ledger paid are not about the same job.');
  if (paid.chargeMicros !== receipt.chargeMicros)
    against('wrong_charge', 'The ledger charged another amount than the receipt says.');
}
