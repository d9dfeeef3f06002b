import type { NodeId } from '../../base/ids';
import type { ReceiptFact } from '../../ledger/receipt-facts';
import type { AuditedCounts } from './judge-canary';

export const NO_AUDITS: AuditedCounts = { accepted: 0, rejected: 0 };

/** How audits of answers ended, by the hash of the model that gave them. A node does not judge by what it answered itself. */
export function auditsByModel(
  receipts: Iterable<Pick<ReceiptFact, 'model' | 'verdict' | 'executor'>>,
  self: NodeId,
): ReadonlyMap<string, AuditedCounts> {
  const audits = new Map<string, { accepted: number; rejected: number }>();
  for (const { model, verdict, executor } of receipts) {
    if (model === null || executor === self || (verdict !== 'accepted' && verdict !== 'rejected')) continue;
    const counts = audits.get(model.hash) ?? { ...NO_AUDITS };
    counts[verdict] += 1;
    audits.set(model.hash, counts);
  }
  return audits;
}
