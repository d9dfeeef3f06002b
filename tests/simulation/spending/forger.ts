import { fraction, pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { EMPTY_HEAD, signEntry, type ChainHead, type EntryRef } from '#core/ledger/chain';
import type { LedgerEvent } from '#core/ledger/events';
import type { Signed } from '#core/wire/signed';
import { ledgerTell } from '#services/ledger-tell/contract';
import { witnessHead } from '#services/witness-head/contract';
import { RATE_MICROS } from './community';
import type { HonestMember, Stage } from './honest-member';
import { drawnFor, lieAboutHead, serveLies } from './liar';

/** Not much more than the least that a payee works for. */
const RESERVED_FOR_MS = 80 * 60_000;
/** What is asked for with a certificate: more than is trusted without one. */
const CERTIFIED_TOKENS = 4_000;
/** A payer whom this many payees refused one after the other has nothing more to gain. */
const GIVES_UP_AFTER = 6;

/** One of the histories of an adversary, and to whom it is shown. */
interface History {
  head: ChainHead;
  readonly entries: Uint8Array<ArrayBuffer>[];
  heldMicros: number;
  /** Payees, and honest witnesses that are asked for their word. */
  readonly payees: () => readonly HonestMember[];
  readonly witnesses: readonly NodeId[];
}

export interface Forger {
  /** Spends from one history only, as if honest, and never says a word after the work. */
  goSilent(untilMs: number): Promise<void>;
  /** Two histories, each shown to other payees and, where lies suffice to certify both, to other witnesses. */
  forkAtOnce(untilMs: number): Promise<void>;
  /** As many histories as the mesh has parts, each shown to one part only. */
  forkAcrossTheCut(parts: ReadonlyMap<NodeId, number>, untilMs: number): Promise<void>;
}

/** An adversary with one key and as many tabs as it likes: it reaches every part of a cut mesh, and carries nothing across. */
export function createForger(stage: Stage, signer: Signer): Forger {
  const { founded, mesh, clock, chance, book, members } = stage;
  const { world, shelf, roster } = founded;
  const self = signer.nodeId;
  const port = mesh.join(self, 10 + Math.floor(70 * fraction(chance)));
  serveLies(stage, signer, port);
  const drawn = drawnFor(stage, self);
  const friends = new Map(founded.adversaries.map((one) => [one.nodeId, one.signer]));
  const begun = founded.begin.get(self)!;
  const limitMicros = world.policy.newcomerLimitMicros;
  /** Entries by place that some honest node was told. */
  const told = new Map<number, Set<string>>();
  const capMicros = world.policy.provisionalCapMicros;
  let serial = 0;

  function historyFor(payees: () => readonly HonestMember[], witnesses: readonly NodeId[]): History {
    const last = begun.at(-1)?.entry;
    const head = last ? { id: last.id, length: begun.length, lamport: last.lamport } : EMPTY_HEAD;
    return { head, entries: begun.map(({ bytes }) => bytes), heldMicros: 0, payees, witnesses };
  }
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  async function tell(node: NodeId, { entries }: History, { seq, id }: EntryRef): Promise<void> {
    const ids = (told.get(seq) ?? new Set()).add(id);
    told.set(seq, ids);
    if (ids.size > 1 && !book.forgedMs.has(self)) book.forgedMs.set(self, clock.now());
    await port.bus.call(ledgerTell, { author: self, from: 0, entries: [...entries] }, { provider: node });
  }

  async function headsOf(history: History, entry: EntryRef): Promise<Signed[]> {
    const lies = drawn.lying.map((one) => lieAboutHead(stage, friends.get(one)!, entry));
    const words = history.witnesses.map(async (witness) => {
      await tell(witness, history, entry);
      const { author, seq, id } = entry;
      const said = await port.bus.call(witnessHead, { author, seq, entry: id }, { provider: witness });
      return said.ok ? said.value.statement : null;
    });
    const given = await Promise.all([...lies, ...words]);
    return given.filter((one) => one !== null);
  }

  /** One more job from this history. False when its payee did not take it. */
  async function spend(history: History): Promise<boolean> {
    const willBeCertified = drawn.lying.length + history.witnesses.length >= drawn.quorum;
    const most = willBeCertified ? CERTIFIED_TOKENS * RATE_MICROS : capMicros;
    const amountMicros = Math.min(most, limitMicros - history.heldMicros);
    const payee = pick(chance, history.payees());
    if (payee === undefined || amountMicros < RATE_MICROS) return false;
    history.heldMicros += amountMicros;
    const jobId = `theirs-${self.slice(0, 8)}-${serial++}`;
    const event: LedgerEvent = {
      kind: 'reservation.made',
      purpose: 'work',
      jobId,
      payee: payee.nodeId,
      offer: founded.offers.get(payee.nodeId)!.terms.id,
      amountMicros,
      expiresAt: clock.now() + RESERVED_FOR_MS,
      idempotencyKey: jobId,
      roster: roster.entry.id,
    };
    const community = world.community.id;
    const draft = { community, event, at: clock.now(), refs: [world.refTo(roster)] };
    const { entry, bytes, head } = await signEntry(signer, history.head, draft);
    shelf.put(bytes, { ...entry, inside: { kind: 'plain' } });
    history.head = head;
    history.entries.push(bytes);
    const heads = willBeCertified ? await headsOf(history, entry) : [];
    const isCertified = heads.length >= drawn.quorum;
    const key = `${self}/${entry.seq}`;
    const place = book.spends.get(key) ?? { payer: self, seq: entry.seq, entries: new Map() };
    book.spends.set(key, place);
    const tried = { taken: 0, isCertified };
    place.entries.set(entry.id, tried);
    await tell(payee.nodeId, history, entry);
    const payment = { reservation: bytes, heads: isCertified ? heads : [] };
    const worked = await payee.work(jobId, { tokens: Math.floor(amountMicros / RATE_MICROS) }, payment, self);
    const isTaken = worked.ok && worked.value !== null;
    if (isTaken) tried.taken += 1;
    return isTaken;
  }

  async function spendOn(history: History, everyMs: number, untilMs: number): Promise<void> {
    for (let refused = 0; refused < GIVES_UP_AFTER && clock.now() < untilMs;) {
      if (limitMicros - history.heldMicros < RATE_MICROS) return;
      refused = (await spend(history)) ? 0 : refused + 1;
      await wait(everyMs * (0.5 + fraction(chance)));
    }
  }

  return {
    async goSilent(untilMs) {
      const history = historyFor(() => [...members.values()], drawn.honest);
      await spendOn(history, 15 * 60_000, untilMs);
    },
    async forkAtOnce(untilMs) {
      const half = Math.floor(drawn.honest.length / 2);
      const both = drawn.lying.length + half >= drawn.quorum;
      // One certificate would be paid from its own credit: without two it takes what is trusted, twice.
      const shown = [drawn.honest.slice(0, half), drawn.honest.slice(half)];
      const all = [...members.values()];
      const histories = shown.map((witnesses, at) =>
        historyFor(() => all.filter((_, place) => place % 2 === at), both ? witnesses : []),
      );
      await Promise.all(histories.map((one) => spendOn(one, 20_000, untilMs)));
    },
    async forkAcrossTheCut(parts, untilMs) {
      const names = [...new Set(parts.values())].sort((a, b) => a - b);
      const histories = names.map((part) => {
        const there = (node: NodeId): boolean => parts.get(node) === part;
        const payees = [...members.values()].filter(({ nodeId }) => there(nodeId));
        return historyFor(() => payees, drawn.honest.filter(there));
      });
      // Half of what follows goes to whoever worked before: whether a payee trusts one payer again and again.
      const favourites = histories.map((one) => pick(chance, one.payees())!);
      const partly = histories.map((one, at) => ({
        ...one,
        payees: () => (fraction(chance) < 0.5 ? [favourites[at]!] : one.payees()),
      }));
      await Promise.all(partly.map((one) => spendOn(one, 5 * 60_000, untilMs)));
    },
  };
}
