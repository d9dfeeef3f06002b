import type { Handler } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Verify } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import { openReceipt } from '#core/ledger/receipts';
import type { ReceiptKeepInput, ReceiptKeepOutput } from './contract';

export interface ReceiptKeepDeps {
  readonly self: NodeId;
  readonly verify: Verify;
  readonly ledger: () => Ledger;
  /** This node's own work with a model was rejected, by a validator's signature and not by the requester's word alone. */
  readonly onRejected: (modelHash: string) => void;
}

export function createReceiptKeepHandler(deps: ReceiptKeepDeps): Handler<ReceiptKeepInput, ReceiptKeepOutput> {
  return async ({ receipt: signed }, context) => {
    const opened = await openReceipt(signed, deps.verify);
    if (!opened.ok) return opened.error.code === 'simulated' ? opened : fail('bad_receipt', opened.error.message);
    const { id, receipt, signers } = opened.value;
    // Only what this node already put its own name under is kept: nobody can fill a stranger's log.
    const known = deps.ledger().state.receiptsById.get(id);
    if (!known || receipt.requester !== context.caller || !signers.includes(deps.self)) {
      return fail('not_your_receipt', 'This node did not sign that receipt.');
    }
    if (signers.every((signer) => known.signers.includes(signer))) return ok({ kept: false });
    const written = await deps.ledger().append({ kind: 'receipt.recorded', receipt: signed });
    if (!written.ok) return written;
    const { executor, requester, validators, verdict, model } = receipt;
    const isRejected = verdict === 'rejected' && validators.some((one) => one !== requester && signers.includes(one));
    if (isRejected && executor === deps.self && model !== null) deps.onRejected(model.hash);
    return ok({ kept: true });
  };
}
