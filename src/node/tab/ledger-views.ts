import { base64 } from '#core/base/bytes';
import type { Verify } from '#core/base/ports';
import { openReceipt } from '#core/ledger/receipts';
import type { Ledger } from '#core/ledger/ledger';
import type { KnownReceipt } from '#core/ledger/state';
import { idOfSigned } from '#core/wire/signed';
import type { LedgerView, ReceiptView } from '../page-api';
import type { ReceiptDetail } from '../tab-node';

export function ledgerView(ledger: Ledger): LedgerView {
  return {
    head: ledger.head.id,
    entries: ledger.entries.map((entry) => ({
      seq: entry.seq,
      id: entry.id,
      type: entry.event.kind,
      at: entry.at,
      receiptId: entry.event.kind === 'receipt.recorded' ? idOfSigned(entry.event.receipt) : null,
    })),
    unitsByNode: Object.fromEntries([...ledger.state.unitsByNode].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The receipt with every signature verified again, from its bytes. */
export async function receiptView(ledger: Ledger, id: string, verify: Verify): Promise<ReceiptView | null> {
  const known = ledger.state.receiptsById.get(id);
  if (!known) return null;
  const { payload, signatures } = known.signed;
  const opened = await openReceipt(known.signed, verify);
  return {
    id,
    payload: base64(payload),
    signatures: signatures.map(({ keyId, signature }) => ({ keyId, signature: base64(signature) })),
    verified: opened.ok && opened.value.id === id,
  };
}

export const receiptDetail = ({ id, receipt, signed }: KnownReceipt): ReceiptDetail => ({
  id,
  at: receipt.at,
  capability: receipt.capability,
  model: receipt.model?.id ?? null,
  requester: receipt.requester,
  executor: receipt.executor,
  validators: receipt.validators,
  verdict: receipt.verdict,
  units: receipt.units,
  tokens: receipt.tokens?.completion ?? null,
  signers: signed.signatures.map(({ keyId }) => keyId),
  // Only receipts whose signatures hold are ever folded into the state.
  verified: true,
});
