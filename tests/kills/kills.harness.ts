import { createSystemClock } from '#adapters/clock-system/system-clock';
import { DATABASE_NAME, openIdbStorage } from '#adapters/storage-idb/open-idb-storage';
import { createVerify } from '#adapters/verify-webcrypto';
import { base64, fromBase64 } from '#core/base/bytes';
import { decodeCanonical } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import { openManifest } from '#core/identity/community';
import type { EntryRef } from '#core/ledger/chain';
import type { LedgerEvent } from '#core/ledger/events';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { EventLogStore, NodeStorage } from '#core/storage/ports';
import type { Signed } from '#core/wire/signed';
import { nativeSignerNamed } from '#tests/fakes/native-signer';

const clock = createSystemClock();
const verify = createVerify();
/** Small, so that checkpoints are written, and killed, all the time. */
const CHECKPOINT_AFTER = 25;

/** What the page tells as soon as it is promised to stay, and never before. */
export type Promised =
  | { readonly kind: 'own'; readonly seq: number; readonly id: string }
  | { readonly kind: 'received'; readonly author: NodeId; readonly length: number }
  | { readonly kind: 'stored'; readonly position: number; readonly bytes: string };

export interface OpenOptions {
  /** Canonical bytes of the community's signed manifest, in base64. */
  readonly manifest: string;
  /** Name of this node's key. */
  readonly self: string;
  readonly database?: string;
  /** Tells of each write into a named log as it is done: for an opening that writes. */
  readonly tellWrites?: boolean;
}

export interface Shown {
  readonly heads: readonly { readonly author: NodeId; readonly length: number; readonly id: string }[];
  readonly digest: string;
  readonly balances: readonly { readonly account: NodeId; readonly confirmedMicros: number }[];
  readonly supplyMicros: number;
  readonly banned: number;
  readonly receipts: readonly string[];
}

declare global {
  interface Window {
    /** The test's own; it hears what is said before the kill and nothing after. */
    promised(what: Promised): Promise<void>;
  }
}

const fromText = <T>(text: string): T => unwrap(decodeCanonical(fromBase64(text)!)) as T;
const tell = (what: Promised): void => void window.promised(what).catch(() => {});

function telling(storage: NodeStorage): NodeStorage {
  const wrapped = (log: EventLogStore): EventLogStore => ({
    ...log,
    async append(position, bytes) {
      const copy = base64(bytes);
      const written = await log.append(position, bytes);
      if (written.ok) tell({ kind: 'stored', position, bytes: copy });
      return written;
    },
  });
  return { ...storage, logNamed: (name) => wrapped(storage.logNamed(name)) };
}

let storage: NodeStorage | null = null;
let ledger: Ledger | null = null;

const harness = {
  async open({ manifest, self, database = DATABASE_NAME, tellWrites = false }: OpenOptions): Promise<void> {
    const signed = fromText<Signed>(manifest);
    const opened = unwrap(await openIdbStorage({ name: database }));
    storage = tellWrites ? telling(opened) : opened;
    const community = unwrap(await openManifest(signed, verify));
    const signer = nativeSignerNamed(self);
    const deps = { storage, signer, verify, clock, community, manifest: signed, checkpointAfter: CHECKPOINT_AFTER };
    ledger = unwrap(await openLedger(deps));
  },
  shown(): Shown {
    const { state } = ledger!;
    return {
      heads: ledger!.heads(),
      digest: state.digest(),
      balances: state.accountHolders.map((account) => ({
        account,
        confirmedMicros: state.balanceOf(account).confirmedMicros,
      })),
      supplyMicros: state.supplyMicros,
      banned: state.bannedFrom.size + ledger!.proofs.length,
      receipts: [...state.receiptsById.keys()].sort(),
    };
  },
  async bytesOf(author: NodeId, from: number): Promise<readonly string[]> {
    return unwrap(await ledger!.bytesOf(author, from, 100_000)).map(base64);
  },
  export: async (): Promise<string> => unwrap(await ledger!.export()),
  /** An event of this node's. Returns its entry as it is stored. */
  async append(event: string, refs: readonly EntryRef[]): Promise<string> {
    const { seq, id } = unwrap(await ledger!.append(fromText<LedgerEvent>(event), refs));
    tell({ kind: 'own', seq, id });
    return base64(unwrap(await ledger!.bytesOf(ledger!.author, seq, 1))[0]!);
  },
  async receive(author: NodeId, from: number, entries: readonly string[]): Promise<void> {
    const { length } = unwrap(
      await ledger!.receive(
        author,
        from,
        entries.map((one) => fromBase64(one)!),
      ),
    );
    tell({ kind: 'received', author, length });
  },
  /** Appends until the browser dies, up to `atOnce` at a time. */
  async appendForever(atOnce: number): Promise<void> {
    const lane = async (): Promise<void> => {
      for (let on = true; ; on = !on) {
        const event: LedgerEvent = { kind: 'contribution.decided', on };
        const { seq, id } = unwrap(await ledger!.append(event));
        tell({ kind: 'own', seq, id });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  },
  /** The database as version 1 of the storage made it, with one log. */
  async makeOldDatabase(name: string, entries: readonly string[]): Promise<void> {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore('records');
        request.result.createObjectStore('log');
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error('No database could be made.'));
    });
    await new Promise<void>((resolve, reject) => {
      const transaction = database.transaction('log', 'readwrite', { durability: 'strict' });
      for (const [position, entry] of entries.entries())
        transaction.objectStore('log').add(fromBase64(entry)!, position);
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(new Error('The old log could not be written.'));
    });
    database.close();
  },
  async oldLog(): Promise<readonly string[]> {
    return unwrap(await storage!.log.read(0, 100_000)).map(({ bytes }) => base64(bytes));
  },
  async destroy(): Promise<void> {
    await ledger!.settled();
    unwrap(await storage!.destroy());
  },
};

export type KillsHarness = typeof harness;

declare global {
  interface Window {
    kills: KillsHarness;
  }
}
window.kills = harness;
