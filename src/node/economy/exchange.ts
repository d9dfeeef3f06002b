import { fraction } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { MAX_LOGS_HELD, type Ledger } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
import { ledgerHeads } from '#services/ledger-heads/contract';
import { ledgerProof } from '#services/ledger-proof/contract';
import { ledgerRead } from '#services/ledger-read/contract';
import { ledgerTell } from '#services/ledger-tell/contract';
import { asManyAsFit } from '#services/ledger-read/handler';
import type { Beginning } from './begin-with-checkpoint';

/** Entries written closely after each other travel together. */
const GATHER_MS = 50;
/** Two nodes that are linked compare what they hold this often: what a lost message or a third node left out comes then. */
const COMPARE_EVERY_MS = 60_000;
const ENTRIES_PER_READ = 128;
/** Answers without progress after which a peer is left alone until the next comparison. */
const MAX_ROUNDS = 2_000;

export interface LedgerExchangeDeps {
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly links: Links;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly beginning: Beginning;
}

/**
 * Brings the logs of a community to all its members that are linked: what this node writes goes to everyone at once; what others
 * hold and this node does not is fetched when a link comes up, and compared now and then. Proofs of forgery go first.
 */
export interface LedgerExchange {
  /** Resolves when the peer holds this node's own log so far. Codes of the call, `not_taken`. */
  bring(peer: NodeId): Promise<Result<void>>;
  /** Resolves when everything that the peer holds and this node did not was taken or refused. */
  compare(peer: NodeId): Promise<void>;
  /** Looks for the place where the logs of one author part, as a peer tells them. */
  findFork(author: NodeId, peer: NodeId): Promise<void>;
  stop(): void;
}

export function startLedgerExchange({
  ledger,
  bus,
  links,
  clock,
  chance,
  beginning,
}: LedgerExchangeDeps): LedgerExchange {
  const self = ledger.author;
  /** How much of this node's own log a peer is known to hold. */
  const holds = new Map<NodeId, number>();
  const bringing = new Map<NodeId, Promise<void>>();
  const comparing = new Map<NodeId, Promise<void>>();
  /** Peers and forgers, with the place from which these are banned: what lies below it is known to be the same. */
  const agreed = new Set<string>();
  let pushing = false;
  let stopped = false;

  const isMember = (peer: NodeId): boolean => (links.to(peer)?.admission.trust ?? 'unknown') !== 'unknown';
  const lengthOf = (author: NodeId): number => ledger.heads().find((head) => head.author === author)?.length ?? 0;

  async function bringNow(peer: NodeId): Promise<Result<void>> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const from = holds.get(peer) ?? 0;
      if (from >= ledger.head.length) return ok(undefined);
      const read = await ledger.bytesOf(self, from, ENTRIES_PER_READ);
      if (!read.ok) return read;
      const told = await bus.call(
        ledgerTell,
        { author: self, from, entries: [...asManyAsFit(read.value)] },
        { provider: peer },
      );
      if (!told.ok) return told;
      // Whoever lost what it held is told from where it has it.
      if (told.value.length === from) return fail('not_taken', 'The other node does not take this log.');
      holds.set(peer, told.value.length);
    }
    return fail('not_taken', 'The other node does not take this log.');
  }

  function bring(peer: NodeId): Promise<Result<void>> {
    const before = bringing.get(peer) ?? Promise.resolve();
    const next = before.then(() => bringNow(peer));
    // Whatever became of it, the next one has its turn.
    const over = next.then(
      () => undefined,
      () => undefined,
    );
    bringing.set(peer, over);
    void over.then(() => {
      if (bringing.get(peer) === over) bringing.delete(peer);
    });
    return next;
  }

  async function fetchLog(author: NodeId, peer: NodeId): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS && !stopped; round++) {
      const from = lengthOf(author);
      const read = await bus.call(ledgerRead, { author, from }, { provider: peer });
      if (!read.ok || read.value.entries.length === 0) return;
      const taken = await ledger.receive(author, from, read.value.entries);
      if (!taken.ok) {
        if (taken.error.code === 'log_forked') await findFork(author, peer);
        return;
      }
    }
  }

  /**
   * Backwards in growing steps, until an entry is found that contradicts one that is held and builds on the same: from there on nothing
   * of that author counts, for anybody. Of one who is banned already it is asked whether all below that place is the same.
   */
  async function findFork(author: NodeId, peer: NodeId, lengthThere = Infinity): Promise<void> {
    const begins = Math.min(lengthOf(author), lengthThere, ledger.state.bannedFrom.get(author) ?? Infinity);
    for (let back = 1; ; back *= 4) {
      const from = Math.max(0, begins - back);
      const read = await bus.call(ledgerRead, { author, from }, { provider: peer });
      if (!read.ok || read.value.entries.length === 0) return;
      const taken = await ledger.receive(author, from, read.value.entries);
      if (taken.ok || taken.error.code !== 'log_forked' || from === 0) break;
    }
    const banned = ledger.state.bannedFrom.get(author);
    if (banned !== undefined && lengthThere >= banned) agreed.add(`${peer} ${author} ${banned}`);
  }

  /** Whether what this peer holds of a forger, up to where it was found out, was compared. */
  const isAgreed = (author: NodeId, peer: NodeId): boolean =>
    agreed.has(`${peer} ${author} ${ledger.state.bannedFrom.get(author) ?? ''}`);

  async function compareNow(peer: NodeId): Promise<void> {
    for (const proof of ledger.proofs) await bus.call(ledgerProof, { proof }, { provider: peer });
    let after: NodeId | null = null;
    // A peer holds no more logs than that; one that names further ones makes them up.
    for (let left = MAX_LOGS_HELD; left > 0;) {
      const heads: Result<{ heads: { author: NodeId; length: number; id: string }[]; more: boolean }> = await bus.call(
        ledgerHeads,
        { after },
        { provider: peer },
      );
      if (!heads.ok) return;
      for (const { author, length, id } of heads.value.heads) {
        if (author === self) {
          holds.set(peer, Math.min(length, ledger.head.length));
          continue;
        }
        const own = ledger.heads().find((head) => head.author === author);
        const ownLength = own?.length ?? 0;
        const bannedFrom = ledger.state.bannedFrom.get(author) ?? null;
        if (length > ownLength && ownLength < (bannedFrom ?? Infinity)) await fetchLog(author, peer);
        else if (own !== undefined && id !== own.id) {
          const parts = bannedFrom === null ? length === ownLength : !isAgreed(author, peer);
          if (parts) await findFork(author, peer, length);
        }
      }
      left -= heads.value.heads.length;
      const next: NodeId | null = heads.value.heads.at(-1)?.author ?? null;
      // Each page names other ones than those before it, in ascending order.
      if (stopped || !heads.value.more || next === null || (after !== null && next <= after)) return;
      after = next;
    }
  }

  function compare(peer: NodeId): Promise<void> {
    const running = comparing.get(peer);
    if (running) return running;
    const now = compareNow(peer).finally(() => comparing.delete(peer));
    comparing.set(peer, now);
    return now;
  }

  async function meet(peer: NodeId): Promise<void> {
    if (!isMember(peer)) return;
    holds.delete(peer);
    await beginning.from(peer);
    await compare(peer);
    await bring(peer);
    void beginning.fill(peer);
  }

  function pushSoon(): void {
    if (pushing) return;
    pushing = true;
    clock.after(GATHER_MS, () => {
      pushing = false;
      if (stopped) return;
      for (const { peer } of links.all) if (isMember(peer)) void bring(peer);
    });
  }

  let proofs = new Set(ledger.proofs);
  const stops = [
    links.events.on((event) => {
      if (event.type === 'up') void meet(event.link.peer);
      if (event.type === 'down') {
        holds.delete(event.link.peer);
        for (const one of agreed) if (one.startsWith(`${event.link.peer} `)) agreed.delete(one);
      }
    }),
    ledger.changed.on(({ own }) => {
      if (own !== null) pushSoon();
      const fresh = ledger.proofs.filter((proof) => !proofs.has(proof));
      if (fresh.length === 0) return;
      proofs = new Set(ledger.proofs);
      // One that parts earlier takes the place of the one before, so it is told too.
      for (const { peer } of links.all)
        for (const proof of fresh) if (isMember(peer)) void bus.call(ledgerProof, { proof }, { provider: peer });
    }),
    clock.every(COMPARE_EVERY_MS, () => {
      const peers = links.all.filter(({ peer }) => isMember(peer));
      const one = peers[Math.floor(fraction(chance) * peers.length)];
      if (one) void compare(one.peer).then(() => beginning.fill(one.peer));
    }),
  ];
  for (const { peer } of links.all) void meet(peer);

  return {
    bring,
    compare,
    findFork,
    stop() {
      stopped = true;
      for (const stop of stops) stop();
    },
  };
}
