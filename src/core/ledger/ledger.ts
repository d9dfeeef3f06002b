import * as v from 'valibot';
import { base64, fromBase64 } from '../base/bytes';
import { createEmitter, type EventSource } from '../base/events';
import type { NodeId } from '../base/ids';
import type { Clock, Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { EventLogStore } from '../storage/ports';
import { parseJsonThrough } from '../wire/gate';
import type { Signed } from '../wire/signed';
import { continues, EMPTY_HEAD, openEntry, signEntry, type ChainEntry, type ChainHead } from './chain';
import { ledgerEventSchema, type LedgerEvent } from './events';
import { openReceipt } from './receipts';
import { createLedgerFold, type LedgerState } from './state';

/** Entries read from the store at a time while opening. */
const READ_BATCH = 500;
/** A ledger file larger than this is not opened: a hundred thousand receipts fit. */
export const MAX_LEDGER_FILE_BYTES = 128 * 1024 * 1024;

export type LedgerEntry = ChainEntry<LedgerEvent>;

/**
 * One node's own log. `append` resolves only after the entry is strictly committed: whoever then sends the statement that
 * the entry holds can never have said more than the log knows. A failed write leaves log and state as they were.
 */
export interface Ledger {
  readonly author: NodeId;
  readonly head: ChainHead;
  readonly entries: readonly LedgerEntry[];
  readonly state: LedgerState;
  readonly changed: EventSource<LedgerEntry>;
  append(event: LedgerEvent): Promise<Result<LedgerEntry>>;
  /** The log as JSON text: every entry's exact bytes in base64. The same log gives the same text. */
  export(): Promise<Result<string>>;
  /**
   * Receipts out of another ledger file (of this node before a loss, or of another node of the same person): each verified, each
   * added once. The file must be a whole, unbroken chain; otherwise nothing is added.
   */
  import(fileText: string): Promise<Result<{ readonly added: number; readonly known: number }>>;
}

export interface LedgerDeps {
  readonly store: EventLogStore;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
}

const fileSchema = v.strictObject({
  format: v.literal('tabmesh-ledger'),
  v: v.literal(1),
  author: v.string(),
  head: v.nullable(v.string()),
  entries: v.pipe(v.array(v.string()), v.maxLength(1_000_000)),
});

/** Opens the log: reads it, verifies the chain and every receipt in it, folds the state. Codes: `ledger_damaged`, storage codes. */
export async function openLedger(deps: LedgerDeps): Promise<Result<Ledger>> {
  const { store, signer, verify, clock } = deps;
  const fold = createLedgerFold();
  const changed = createEmitter<LedgerEntry>();
  const entries: LedgerEntry[] = [];
  let head: ChainHead = EMPTY_HEAD;
  /** Where the next entry will stand once everything on its way is written. */
  let planned: ChainHead = EMPTY_HEAD;
  let queue: Promise<unknown> = Promise.resolve();

  async function foldIn(event: LedgerEvent): Promise<Result<void>> {
    if (event.kind !== 'receipt.recorded') return ok(undefined);
    const opened = await openReceipt(event.receipt, verify);
    if (!opened.ok) return opened;
    fold.add(opened.value.id, opened.value.receipt, event.receipt);
    return ok(undefined);
  }

  async function readAll(
    read: (from: number) => Promise<Result<readonly Uint8Array[]>>,
    author: NodeId,
    each: (entry: LedgerEntry) => Promise<Result<void>>,
  ): Promise<Result<ChainHead>> {
    let at: ChainHead = EMPTY_HEAD;
    for (;;) {
      const batch = await read(at.length);
      if (!batch.ok) return batch;
      if (batch.value.length === 0) return ok(at);
      for (const bytes of batch.value) {
        const entry = await openEntry(ledgerEventSchema, bytes, verify);
        if (!entry.ok)
          return fail('ledger_damaged', `Entry ${at.length} of the ledger is damaged: ${entry.error.message}`);
        const next = continues(at, author, entry.value);
        if (!next.ok) return fail('ledger_damaged', `The ledger is damaged: ${next.error.message}`);
        const taken = await each(entry.value);
        if (!taken.ok)
          return fail('ledger_damaged', `Entry ${at.length} of the ledger is damaged: ${taken.error.message}`);
        at = next.value;
      }
    }
  }

  const opened = await readAll(
    async (from) => {
      const batch = await store.read(from, READ_BATCH);
      return batch.ok ? ok(batch.value.map((entry) => entry.bytes)) : batch;
    },
    signer.nodeId,
    async (entry) => {
      entries.push(entry);
      return foldIn(entry.event);
    },
  );
  if (!opened.ok) return opened;
  head = planned = opened.value;

  /** Signing is one after the other, because each entry names the one before; writes that overlap may share one commit. */
  function append(event: LedgerEvent): Promise<Result<LedgerEntry>> {
    const signing = queue.then(async () => {
      const receipt = event.kind === 'receipt.recorded' ? await openReceipt(event.receipt, verify) : null;
      if (receipt && !receipt.ok) return receipt;
      const signed = await signEntry(signer, planned, event, clock.now());
      planned = signed.head;
      return ok({ ...signed, receipt, written: store.append(signed.entry.seq, signed.bytes) });
    });
    queue = signing.catch(() => undefined);
    return signing.then(async (signed): Promise<Result<LedgerEntry>> => {
      if (!signed.ok) return signed;
      const written = await signed.value.written;
      if (!written.ok) {
        // Everything planned after this entry fails as well; the next append starts again from what is stored.
        planned = head;
        return written;
      }
      head = signed.value.head;
      entries.push(signed.value.entry);
      const { receipt } = signed.value;
      if (receipt && event.kind === 'receipt.recorded')
        fold.add(receipt.value.id, receipt.value.receipt, event.receipt);
      changed.emit(signed.value.entry);
      return ok(signed.value.entry);
    });
  }

  return ok({
    author: signer.nodeId,
    get head() {
      return head;
    },
    entries,
    get state() {
      return fold.state;
    },
    changed,
    append,
    async export() {
      const lines: string[] = [];
      for (let from = 0; ; from = lines.length) {
        const batch = await store.read(from, READ_BATCH);
        if (!batch.ok) return batch;
        if (batch.value.length === 0) break;
        for (const entry of batch.value) lines.push(base64(entry.bytes));
      }
      return ok(
        `${JSON.stringify({ format: 'tabmesh-ledger', v: 1, author: signer.nodeId, head: head.id, entries: lines }, null, 1)}\n`,
      );
    },
    async import(fileText) {
      const file = parseJsonThrough(fileSchema, fileText, MAX_LEDGER_FILE_BYTES);
      if (!file.ok) {
        return fail(
          file.error.code === 'unknown_version' ? 'unknown_version' : 'not_a_ledger',
          file.error.code === 'unknown_version'
            ? 'This ledger file was made by a newer version of the app.'
            : 'This is not a Tabmesh ledger file.',
        );
      }
      const bytes: Uint8Array[] = [];
      for (const line of file.value.entries) {
        const decoded = fromBase64(line);
        if (!decoded) return fail('ledger_damaged', 'The ledger file is damaged: an entry is not base64.');
        bytes.push(decoded);
      }
      const receipts: Signed[] = [];
      const whole = await readAll(
        async (from) => ok(bytes.slice(from, from + READ_BATCH)),
        file.value.author,
        async (entry) => {
          if (entry.event.kind !== 'receipt.recorded') return ok(undefined);
          const receipt = await openReceipt(entry.event.receipt, verify);
          if (receipt.ok) receipts.push(entry.event.receipt);
          return receipt.ok ? ok(undefined) : receipt;
        },
      );
      if (!whole.ok) return whole;
      if (whole.value.id !== file.value.head)
        return fail('ledger_damaged', 'The ledger file is damaged: its end is missing.');
      let added = 0;
      for (const receipt of receipts) {
        const { value } = (await openReceipt(receipt, verify)) as { value: { id: string; signers: readonly NodeId[] } };
        const known = fold.state.receiptsById.get(value.id);
        const holds = new Set(known?.signed.signatures.map((entry) => entry.keyId));
        if (known && value.signers.every((signer) => holds.has(signer))) continue;
        const appended = await append({ kind: 'receipt.recorded', receipt });
        if (!appended.ok) return appended;
        added += 1;
      }
      return ok({ added, known: receipts.length - added });
    },
  });
}
