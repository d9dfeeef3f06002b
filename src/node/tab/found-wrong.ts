import type { LedgerState } from '#core/ledger/ledger-state';
import type { ReceiptFact } from '#core/ledger/receipt-facts';

type Work = Pick<ReceiptFact, 'requester' | 'executor' | 'jobId'>;
const keyOf = ({ requester, executor, jobId }: Work): string => `${requester}/${jobId}/${executor}`;

/** Whether a panel found the work behind a receipt wrong, though whoever checked it first had accepted it. */
export function foundWrong({
  rulings,
  challengesById,
  proposalsById,
  reservationsById,
}: Pick<LedgerState, 'rulings' | 'challengesById' | 'proposalsById' | 'reservationsById'>): (work: Work) => boolean {
  const wrong = new Set<string>();
  for (const [challenge, ruling] of rulings) {
    if (ruling !== 'upheld') continue;
    const proposal = proposalsById.get(challengesById.get(challenge)?.proposal ?? '');
    const reservation = reservationsById.get(proposal?.reservation ?? '');
    if (reservation === undefined) continue;
    const { payer, payee, jobId } = reservation;
    wrong.add(keyOf({ requester: payer, executor: payee, jobId }));
  }
  return (work) => wrong.size > 0 && wrong.has(keyOf(work));
}
