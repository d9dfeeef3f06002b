import type { NodeId } from '../base/ids';
import { creditsUnits, type Receipt } from './receipts';
import type { Signature, Signed } from '../wire/signed';

export interface KnownReceipt {
  readonly id: string;
  readonly receipt: Receipt;
  readonly signed: Signed;
}

/** What the log means. Any order of the same receipts gives the same state. */
export interface LedgerState {
  readonly receiptsById: ReadonlyMap<string, KnownReceipt>;
  /** Of each job and executor, the receipt that counts: the accepted one with the lowest id, so that a second receipt for the same work earns nothing. */
  readonly creditedByWork: ReadonlyMap<string, string>;
  readonly unitsByNode: ReadonlyMap<NodeId, number>;
}

const workOf = (receipt: Receipt): string => `${receipt.requester}/${receipt.jobId}/${receipt.executor}`;

/** Signatures of the same payload, each key once, in the order of the keys so that arrival does not matter. */
function mergeSignatures(a: readonly Signature[], b: readonly Signature[]): Signature[] {
  const byKey = new Map([...b, ...a].map((entry) => [entry.keyId, entry]));
  return [...byKey.values()].sort((x, y) => (x.keyId < y.keyId ? -1 : 1));
}

/**
 * A mutable fold for speed: `add` is the reducer step, `state` a read-only view of the same maps. The receipts given to it
 * must have passed `openReceipt`.
 */
export function createLedgerFold(): {
  add(id: string, receipt: Receipt, signed: Signed): void;
  readonly state: LedgerState;
} {
  const receiptsById = new Map<string, KnownReceipt>();
  const creditedByWork = new Map<string, string>();
  const unitsByNode = new Map<NodeId, number>();

  function credit(node: NodeId, units: number): void {
    const sum = (unitsByNode.get(node) ?? 0) + units;
    if (sum === 0) unitsByNode.delete(node);
    else unitsByNode.set(node, sum);
  }

  return {
    state: { receiptsById, creditedByWork, unitsByNode },
    add(id, receipt, signed) {
      const known = receiptsById.get(id);
      const merged = {
        payload: signed.payload,
        signatures: mergeSignatures(known?.signed.signatures ?? [], signed.signatures),
      };
      receiptsById.set(id, { id, receipt, signed: merged });
      if (!creditsUnits(receipt, new Set(merged.signatures.map((entry) => entry.keyId)))) return;
      const work = workOf(receipt);
      const counted = creditedByWork.get(work);
      if (counted === id || (counted !== undefined && counted < id)) return;
      if (counted !== undefined) credit(receipt.executor, -receiptsById.get(counted)!.receipt.units);
      creditedByWork.set(work, id);
      credit(receipt.executor, receipt.units);
    },
  };
}
