import { createEmitter } from '#core/base/events';
import { equalBytes } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Clock, Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Community } from '#core/identity/community';
import {
  continues,
  EMPTY_HEAD,
  equivocationOf,
  signEntry,
  type ChainHead,
  type EquivocationProof,
} from '#core/ledger/chain';
import { createLedgerFold, type LedgerFold } from '#core/ledger/fold';
import type { Ledger, LedgerChange, LedgerEntry, LogHead, Received } from '#core/ledger/ledger';
import type { OpenedEntry } from '#core/ledger/open-event';
import type { EntryShelf } from './entry-shelf';

/** What proofs that come together cost: one fold, as long after the first as a tab may take for it. */
const FOLDS_ANEW_AFTER_MS = 2_000;

export interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entry: OpenedEntry;
}

interface HeldLog {
  head: ChainHead;
  readonly entries: Stored[];
}

export interface SharedLedgerDeps {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly community: Community;
  readonly shelf: EntryShelf;
  /** What everybody holds when the simulation begins: whole logs, this node's own too. */
  readonly begin: ReadonlyMap<NodeId, readonly Stored[]>;
  /** A proof of forgery counts here from now on. */
  readonly onProof: (author: NodeId) => void;
}

export interface SharedLedger extends Ledger {
  /** Now, where a proof came so shortly ago that it was not done yet. */
  foldAnew(): void;
}

/**
 * `openLedger` as 200 nodes in one process can bear it: the same fold, the same rules about what continues a log, the same proofs; entries
 * lie in memory and are opened once for all nodes. A proof counts at once for all that comes; what the forger's entries had changed is
 * judged anew two seconds later. What a tab does beyond that (files, checkpoints, receipts by id) is left out, and throws.
 */
export function createSharedLedger(deps: SharedLedgerDeps): SharedLedger {
  const { signer, clock, community, shelf } = deps;
  const self = signer.nodeId;
  const changed = createEmitter<LedgerChange>();
  const logs = new Map<NodeId, HeldLog>();
  const blocked = new Map<string, Set<NodeId>>();
  const bans = new Map<NodeId, number>();
  const proofByAuthor = new Map<NodeId, EquivocationProof>();
  let fold: LedgerFold = createLedgerFold(community);
  let isStale = false;
  let heads: readonly LogHead[] | null = null;
  let proofs: readonly EquivocationProof[] = [];
  let queue: Promise<unknown> = Promise.resolve();
  let intake: Promise<unknown> = Promise.resolve();

  function logOf(author: NodeId): HeldLog {
    const known = logs.get(author) ?? { head: EMPTY_HEAD, entries: [] };
    logs.set(author, known);
    return known;
  }
  function advance(first: NodeId): void {
    const turn = [first];
    for (let author = turn.pop(); author !== undefined; author = turn.pop()) {
      const { entries } = logOf(author);
      for (let at = fold.lengthOf(author); at < entries.length; at = fold.lengthOf(author)) {
        const { entry } = entries[at]!;
        const added = fold.add(entry);
        if (added.status === 'waiting')
          blocked.set(added.missing.id, (blocked.get(added.missing.id) ?? new Set()).add(author));
        if (added.status !== 'added') break;
        for (const waiting of blocked.get(entry.id) ?? []) turn.push(waiting);
        blocked.delete(entry.id);
      }
    }
  }

  /** Everything anew, as a node does it after a proof: what the forger's entries had changed is judged again without them. */
  function foldAnew(): void {
    if (!isStale) return;
    isStale = false;
    fold = createLedgerFold(community);
    blocked.clear();
    for (const [author, seq] of bans) fold.ban(author, seq);
    for (const author of logs.keys()) advance(author);
    changed.emit({ author: self, own: null });
  }

  function take(author: NodeId, fresh: readonly Stored[], head: ChainHead): void {
    const log = logOf(author);
    log.entries.push(...fresh);
    log.head = head;
    heads = null;
    advance(author);
  }

  const isBanned = (author: NodeId, seq: number): boolean => (bans.get(author) ?? Infinity) <= seq;

  function takeProof(author: NodeId, seq: number, proof: EquivocationProof): boolean {
    if (isBanned(author, seq)) return false;
    proofByAuthor.set(author, proof);
    proofs = [...proofByAuthor.values()];
    bans.set(author, seq);
    if (!fold.ban(author, seq) && !isStale) {
      isStale = true;
      clock.after(FOLDS_ANEW_AFTER_MS, foldAnew);
    }
    // Whoever waited for what now never comes goes on without it.
    const waiting = [...new Set([...blocked.values()].flatMap((authors) => [...authors]))];
    blocked.clear();
    for (const one of waiting) advance(one);
    deps.onProof(author);
    changed.emit({ author, own: null });
    return true;
  }

  async function receiveNow(author: NodeId, from: number, given: readonly Uint8Array[]): Promise<Result<Received>> {
    if (author === self) return ok({ added: 0, length: logOf(self).head.length });
    const log = logOf(author);
    if (from > log.head.length) return fail('log_gap', 'Entries of that log are missing before these.');
    const opened: Stored[] = [];
    for (const [at, bytes] of given.entries()) {
      const entry = await shelf.open(bytes);
      if (!entry.ok) return entry;
      if (entry.value.community !== community.id) return fail('foreign_community', 'Another community.');
      if (entry.value.author !== author || entry.value.seq !== from + at)
        return fail('chain_gap', 'The entries are not those that were asked for.');
      opened.push({ entry: entry.value, bytes: bytes as Uint8Array<ArrayBuffer> });
    }
    const known = opened.filter(({ entry }) => entry.seq < log.head.length);
    for (const { entry, bytes } of known) {
      const held = log.entries[entry.seq]!;
      if (held.bytes === bytes || held.entry.id === entry.id || equalBytes(held.bytes, bytes)) continue;
      takeProof(author, entry.seq, equivocationOf({ id: entry.id, bytes }, { id: held.entry.id, bytes: held.bytes }));
      return entry.prev === held.entry.prev
        ? fail('banned', 'That node signed two different histories.')
        : fail('log_forked', 'The log parts from what is known before these entries.');
    }
    if (isBanned(author, log.head.length)) return fail('banned', 'That node signed two different histories.');
    let { head } = log;
    const fresh = opened.slice(known.length);
    for (const { entry } of fresh) {
      const next = continues(head, { community: community.id, author }, entry);
      if (!next.ok)
        return entry.prev !== head.id
          ? fail('log_forked', 'The log parts from what is known before these entries.')
          : next;
      head = next.value;
    }
    if (fresh.length === 0) return ok({ added: 0, length: log.head.length });
    take(author, fresh, head);
    changed.emit({ author, own: null });
    return ok({ added: fresh.length, length: head.length });
  }

  logOf(self);
  for (const [author, entries] of deps.begin) {
    const last = entries.at(-1)!.entry;
    take(author, entries, { id: last.id, length: entries.length, lamport: last.lamport });
  }

  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const next = intake.then(run);
    intake = next.catch(() => undefined);
    return next;
  };
  const notHere = (): never => {
    throw new Error('A shared ledger has no files.');
  };

  return {
    author: self,
    community,
    changed,
    get head() {
      return logOf(self).head;
    },
    get state() {
      return fold.state;
    },
    foldAnew,
    append(event, refs = []) {
      const appended = queue.then(async (): Promise<Result<LedgerEntry>> => {
        const inside = await shelf.inside(event);
        if (!inside.ok) return inside;
        const { entry, bytes, head } = await signEntry(signer, logOf(self).head, {
          community: community.id,
          event,
          at: clock.now(),
          refs,
          seenLamport: fold.state.maxLamport,
        });
        const opened = { ...entry, inside: inside.value };
        shelf.put(bytes, opened);
        take(self, [{ bytes, entry: opened }], head);
        changed.emit({ author: self, own: opened });
        return ok(opened);
      });
      queue = appended.catch(() => undefined);
      return appended;
    },
    heads() {
      heads ??= [...logs]
        .flatMap(([author, { head }]) => (head.id === null ? [] : [{ author, length: head.length, id: head.id }]))
        .sort((a, b) => (a.author < b.author ? -1 : 1));
      return heads;
    },
    bytesOf: async (author, from, limit) =>
      ok((logs.get(author)?.entries ?? []).slice(from, from + limit).map(({ bytes }) => bytes)),
    entriesOf: async (author, from, limit) =>
      ok((logs.get(author)?.entries ?? []).slice(from, from + limit).map(({ entry }) => entry)),
    receive: (author, from, entries) => inTurn(() => receiveNow(author, from, entries)),
    get proofs() {
      return proofs;
    },
    async receiveProof(proof) {
      const opened = await shelf.equivocation(proof);
      if (!opened.ok) return opened;
      return inTurn(async () => ok(takeProof(opened.value.author, opened.value.seq, proof)));
    },
    // Everyone of the simulation is there from the first entry.
    checkpoint: () => null,
    start: null,
    begin: notHere,
    heldFrom: () => 0,
    missing: async () => ok([]),
    receiveBeginning: notHere,
    receiptOf: notHere,
    export: notHere,
    import: notHere,
    settled: async () => undefined,
  };
}
