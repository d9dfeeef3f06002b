import type { Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import { openEquivocation, type Equivocation, type EquivocationProof } from '#core/ledger/chain';
import type { LedgerEvent } from '#core/ledger/events';
import { openInside, openLedgerEntry, type Inside, type OpenedEntry } from '#core/ledger/open-event';

/**
 * Entries as they passed the gate. Every node of the mesh is handed the same bytes by reference, so what one opened and verified need
 * not be opened again by two hundred others; nobody changes what lies here.
 */
export interface EntryShelf {
  /** Codes of `openLedgerEntry`. */
  open(bytes: Uint8Array): Promise<Result<OpenedEntry>>;
  /** Codes of `openInside`. */
  inside(event: LedgerEvent): Promise<Result<Inside>>;
  /** Codes of `openEquivocation`. */
  equivocation(proof: EquivocationProof): Promise<Result<Equivocation>>;
  /** An entry that was just written, and so is open already. */
  put(bytes: Uint8Array, entry: OpenedEntry): void;
}

export function createEntryShelf(verify: Verify): EntryShelf {
  const entries = new WeakMap<Uint8Array, Promise<Result<OpenedEntry>>>();
  const proofs = new WeakMap<EquivocationProof, Promise<Result<Equivocation>>>();
  const insides = new WeakMap<LedgerEvent, Promise<Result<Inside>>>();
  return {
    open(bytes) {
      const known = entries.get(bytes) ?? openLedgerEntry(bytes, verify);
      entries.set(bytes, known);
      return known;
    },
    inside(event) {
      const known = insides.get(event) ?? openInside(event, verify);
      insides.set(event, known);
      return known;
    },
    equivocation(proof) {
      const known = proofs.get(proof) ?? openEquivocation(proof, verify);
      proofs.set(proof, known);
      return known;
    },
    put(bytes, entry) {
      entries.set(bytes, Promise.resolve(ok(entry)));
      insides.set(entry.event, Promise.resolve(ok(entry.inside)));
    },
  };
}
