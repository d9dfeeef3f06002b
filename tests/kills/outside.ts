import { createVerify } from '#adapters/verify-webcrypto';
import { base64, fromBase64 } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import { continues, EMPTY_HEAD, type ChainHead, type EntryRef } from '#core/ledger/chain';
import type { LedgerEvent } from '#core/ledger/events';
import { createLedgerFold } from '#core/ledger/fold';
import { openLedgerEntry, type OpenedEntry } from '#core/ledger/open-event';
import type { Reservation } from '#tests/fakes/economy-world';
import { createLedgerHistory } from '#tests/fakes/ledger-history';
import { nativeSignerNamed } from '#tests/fakes/native-signer';
import type { Promised, Shown } from './kills.harness';

/** Name of the key of the node that is killed. */
export const SELF = 'self';
const MEMBERS = 5;
const verify = createVerify();

/** What a ledger does not hold although it said so, or holds otherwise than it did: each in a sentence. */
export type Losses = readonly string[];

export interface Page {
  append(event: string, refs: readonly EntryRef[]): Promise<string>;
  receive(author: NodeId, from: number, entries: readonly string[]): Promise<void>;
  bytesOf(author: NodeId, from: number): Promise<readonly string[]>;
}

export type Outside = Awaited<ReturnType<typeof createOutside>>;

/**
 * Everybody but the node that is killed: the other members with their logs, and a memory of everything that the node ever
 * promised. It reads what the node holds after each start entry by entry, verifies it, folds it for itself, and compares.
 */
export async function createOutside() {
  const history = await createLedgerHistory(MEMBERS, { signerNamed: nativeSignerNamed, verify });
  const { world, members } = history;
  const self = world.member(SELF);
  const fold = createLedgerFold(world.community);
  /** All that the others wrote, as it is stored. */
  const written = new Map<NodeId, string[]>();
  /** How much of each log the node has, by what it said last. */
  const known = new Map<NodeId, number>();
  const read = new Map<NodeId, ChainHead>();
  const waiting = new Map<NodeId, OpenedEntry[]>();
  const ownIds: string[] = [];
  const promisedOwn = new Map<number, string>();
  const promisedLengths = new Map<NodeId, number>();

  function collect(): void {
    for (const { author, entries } of history.taken())
      if (author !== self.nodeId) written.set(author, [...(written.get(author) ?? []), ...entries.map(base64)]);
  }

  /** Tells the node what it does not have yet, log by log. */
  async function bring(page: Page): Promise<void> {
    collect();
    for (const [author, entries] of written) {
      const from = known.get(author) ?? 0;
      if (from === entries.length) continue;
      await page.receive(author, from, entries.slice(from));
      known.set(author, entries.length);
    }
  }

  const appendTo = async (
    page: Page,
    event: LedgerEvent,
    refs: readonly EntryRef[] = [],
  ): Promise<Uint8Array<ArrayBuffer>> => fromBase64(await page.append(base64(encodeCanonical(event)), refs))!;

  /** The node gets credit from the founder: once, before anything is killed. */
  async function welcome(page: Page): Promise<void> {
    const claimed = await world.claim(self, await world.grant(world.founder, self, 100_000_000_000));
    await bring(page);
    await appendTo(page, claimed.entry.event);
  }

  /** The node has a job done and pays for it; then the others do one among themselves. */
  async function settle(page: Page, turn: number): Promise<void> {
    const payee = members[turn % MEMBERS]!;
    const verifiers = [members[(turn + 1) % MEMBERS]!, members[(turn + 2) % MEMBERS]!];
    const offer = await world.offer(payee, { expiresAt: world.nowMs + 365 * 24 * 3_600_000 });
    const bytes = await appendTo(page, {
      kind: 'reservation.made',
      purpose: 'work',
      jobId: world.next('job'),
      payee: payee.nodeId,
      offer: offer.id,
      amountMicros: 500_000,
      // By the node's own clock.
      expiresAt: Date.now() + 3_600_000,
      idempotencyKey: world.next('key'),
      roster: null,
    });
    const reservation = { entry: unwrap(await openLedgerEntry(bytes, verify)), bytes } as Reservation;
    const done = await world.work(reservation, { offer, verifiers });
    await world.write(payee, { kind: 'work.committed', commitment: done.settlement.commitment });
    await world.propose(payee, reservation, done);
    await bring(page);
    const closing = await world.close(reservation, { outcome: 'settled', work: done });
    for (const one of [payee, ...verifiers]) await world.write(one, closing.event, closing.refs, closing.inside);
    await appendTo(page, closing.event, closing.refs);
    await bring(page);
    await history.job();
    await bring(page);
  }

  function takeInto(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const entries of waiting.values()) {
        while (entries.length > 0 && fold.add(entries[0]!).status === 'added') {
          entries.shift();
          moved = true;
        }
      }
    }
  }

  /** Reads on in one log, entry by entry. */
  async function readOn(page: Page, author: NodeId): Promise<Losses> {
    const losses: string[] = [];
    let head = read.get(author) ?? EMPTY_HEAD;
    for (const text of await page.bytesOf(author, head.length)) {
      const entry = await openLedgerEntry(fromBase64(text)!, verify);
      if (!entry.ok) return [`Entry ${head.length} of ${author} cannot be opened: ${entry.error.message}`];
      const next = continues(head, { community: world.community.id, author }, entry.value);
      if (!next.ok) return [`Entry ${head.length} of ${author} does not continue its log: ${next.error.message}`];
      if (author === self.nodeId) ownIds.push(entry.value.id);
      else if (written.get(author)?.[head.length] !== text)
        losses.push(`Entry ${head.length} of ${author} is not what its author wrote.`);
      head = next.value;
      waiting.set(author, [...(waiting.get(author) ?? []), entry.value]);
    }
    read.set(author, head);
    return losses;
  }

  /** Holds what the node shows after a start against everything that it ever promised or showed. */
  async function check(page: Page, shown: Shown): Promise<Losses> {
    const losses: string[] = [];
    const heads = new Map(shown.heads.map((head) => [head.author, head]));
    for (const [author, { length, id }] of read) {
      const head = heads.get(author);
      if ((head?.length ?? 0) < length) losses.push(`The log of ${author} lost entries that were read before.`);
      else if (head!.length === length && head!.id !== id)
        losses.push(`The log of ${author} parted from what was read.`);
    }
    if (losses.length > 0) return losses;
    for (const { author } of shown.heads) losses.push(...(await readOn(page, author)));
    for (const { author, length, id } of shown.heads) {
      const head = read.get(author);
      if (head?.length !== length || head.id !== id)
        losses.push(`The log of ${author} is not as long as its head says.`);
      known.set(author, length);
    }
    for (const [seq, id] of promisedOwn)
      if (ownIds[seq] !== id)
        losses.push(
          `The node's own entry ${seq} was promised and ${ownIds[seq] === undefined ? 'is gone' : 'is another now'}.`,
        );
    for (const [author, length] of promisedLengths)
      if ((heads.get(author)?.length ?? 0) < length) losses.push(`Entries of ${author} were taken and are gone.`);
    takeInto();
    const { state } = fold;
    if (state.digest() !== shown.digest) losses.push('The state is not what the entries mean.');
    let sum = 0;
    for (const { account, confirmedMicros } of shown.balances) {
      sum += confirmedMicros;
      if (state.balanceOf(account).confirmedMicros !== confirmedMicros)
        losses.push(`The balance of ${account} is another.`);
    }
    if (sum !== shown.supplyMicros) losses.push('The balances do not come to what was minted.');
    if (shown.banned > 0 || state.refusals.length > 0)
      losses.push('Somebody is taken for a forger, or an entry breaks a rule.');
    return losses;
  }

  return {
    manifest: base64(encodeCanonical(world.manifest)),
    community: world.community.id,
    self: self.nodeId,
    signer: self.signer,
    verify,
    welcome,
    settle,
    check,
    /** The node said so: from now on it must hold. */
    note(what: Promised): void {
      if (what.kind === 'own') promisedOwn.set(what.seq, what.id);
      if (what.kind === 'received')
        promisedLengths.set(what.author, Math.max(what.length, promisedLengths.get(what.author) ?? 0));
    },
    get promisedCount() {
      return promisedOwn.size + [...promisedLengths.values()].reduce((sum, length) => sum + length, 0);
    },
    get settledCount() {
      return fold.state.closingByReservation.size;
    },
  };
}
