import { base64 } from '#core/base/bytes';
import type { Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import { openReceipt } from '#core/ledger/receipts';
import type { Ledger } from '#core/ledger/ledger';
import type { ReceiptFact } from '#core/ledger/receipt-facts';
import { idOfSigned } from '#core/wire/signed';
import type { LedgerEntryView, LedgerView, ReceiptView } from '../page-api';
import type { ReceiptDetail } from '../tab-node';

/** Entries are read this many at a time. */
const READ_BATCH = 500;

export async function ledgerView(ledger: Ledger): Promise<Result<LedgerView>> {
  const entries: LedgerEntryView[] = [];
  while (entries.length < ledger.head.length) {
    const batch = await ledger.entriesOf(ledger.author, entries.length, READ_BATCH);
    if (!batch.ok) return batch;
    if (batch.value.length === 0) break;
    for (const { seq, id, at, event } of batch.value) {
      const receiptId = event.kind === 'receipt.recorded' ? idOfSigned(event.receipt) : null;
      entries.push({ seq, id, type: event.kind, at, receiptId });
    }
  }
  return ok({
    head: entries.at(-1)?.id ?? null,
    entries,
    unitsByNode: Object.fromEntries([...ledger.state.unitsByNode].sort(([a], [b]) => (a < b ? -1 : 1))),
    balances: Object.fromEntries(ledger.state.accountHolders.map((node) => [node, ledger.state.balanceOf(node)])),
    supplyMicros: ledger.state.supplyMicros,
    forgers: [...ledger.state.bannedFrom.keys()].sort(),
  });
}

/** The receipt with every signature verified again, from its bytes. */
export async function receiptView(ledger: Ledger, id: string, verify: Verify): Promise<Result<ReceiptView | null>> {
  const known = await ledger.receiptOf(id);
  if (!known.ok) return known;
  if (known.value === null) return ok(null);
  const { payload, signatures } = known.value;
  const opened = await openReceipt(known.value, verify);
  return ok({
    id,
    payload: base64(payload),
    signatures: signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
    verified: opened.ok && opened.value.id === id,
  });
}

export const receiptDetail = (fact: ReceiptFact, wrong: boolean): ReceiptDetail => ({
  id: fact.id,
  at: fact.at,
  capability: fact.capability,
  model: fact.model?.id ?? null,
  requester: fact.requester,
  executor: fact.executor,
  validators: fact.validators,
  verdict: fact.verdict,
  foundWrong: wrong,
  units: fact.units,
  tokens: fact.completionTokens,
  signers: fact.signers,
  // Only receipts whose signatures hold are ever folded into the state.
  verified: true,
});
