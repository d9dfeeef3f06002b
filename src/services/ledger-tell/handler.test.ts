import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { MAX_ENTRY_BYTES } from '#core/ledger/chain';
import { MAX_ENTRIES_PER_LOG, type Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createEconomyWorld, type EconomyWorld, type Member } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { MAX_ENTRIES_PER_ANSWER } from '../ledger-read/contract';
import { ledgerTell, type LedgerTellInput } from './contract';
import { createLedgerTellHandler, NEW_AUTHORS_PER_HOUR, TELLS_PER_HOUR } from './handler';

const HOUR_MS = 60 * 60 * 1_000;

let world: EconomyWorld;
let clock: VirtualClock;
let storage: NodeStorage;
let ledger: Ledger;
let forks: [author: NodeId, peer: NodeId][];
let tell: (input: LedgerTellInput, caller: NodeId) => Promise<unknown>;
let teller: Member;

beforeEach(async () => {
  world = await createEconomyWorld();
  clock = createVirtualClock(world.nowMs);
  storage = await openMemoryStorage();
  const { community, manifest, verify, founder } = world;
  ledger = await openTestLedger(world.member('holder').signer, {
    storage,
    clock,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  forks = [];
  const handler = createLedgerTellHandler({
    ledger: () => ledger,
    clock,
    onForked: (author, peer) => forks.push([author, peer]),
  });
  tell = (input, caller) => {
    const context: CallContext<never> = {
      caller,
      local: false,
      callId: 'call-1',
      signal: new AbortController().signal,
      emit: () => {},
    };
    return handler(input, context);
  };
  teller = await authorWith('teller', 3);
});

async function authorWith(name: string, count: number): Promise<Member> {
  const author = world.member(name);
  await goOn(author, count);
  return author;
}

async function goOn(author: Member, count: number, on = true): Promise<void> {
  for (let at = 0; at < count; at++) await world.write(author, { kind: 'contribution.decided', on });
}

/** Two histories of one node, which part after `shared` entries. */
async function forgedBy(name: string, shared: number): Promise<readonly [Member, Member]> {
  const one = await authorWith(name, shared);
  const two = world.twinOf(one, shared);
  await goOn(one, 3, true);
  await goOn(two, 3, false);
  return [one, two];
}

/** Entries of a log from a position on. */
const partOf = (author: Member, from = 0, to = author.entries.length): LedgerTellInput => ({
  author: author.nodeId,
  from,
  entries: author.entries.slice(from, to).map(({ bytes }) => bytes),
});

const lengthOf = (author: Member): number => ledger.heads().find((head) => head.author === author.nodeId)?.length ?? 0;

const holds = (length: number) => ({ ok: true, value: { length } });
const refused = (code: string) => ({ ok: false, error: { code } });

describe('ledger.tell', () => {
  it('takes the entries that a log goes on with, and says how much of it is held', async () => {
    expect(await tell(partOf(teller, 0, 2), teller.nodeId)).toEqual(holds(2));
    expect(await tell(partOf(teller, 2), teller.nodeId)).toEqual(holds(3));
    expect(await tell(partOf(teller), teller.nodeId)).toEqual(holds(3));
    const entries = unwrap(await ledger.bytesOf(teller.nodeId, 0, 9));
    expect(entries).toEqual(teller.entries.map(({ bytes }) => bytes));
  });

  it('takes the log of another than the one who brings it', async () => {
    const other = await authorWith('other', 2);
    expect(await tell(partOf(other), teller.nodeId)).toEqual(holds(2));
    expect(lengthOf(other)).toBe(2);
  });

  it('says how much is held where entries before those told are missing, and takes none of them', async () => {
    expect(await tell(partOf(teller, 1), teller.nodeId)).toEqual(holds(0));
    expect(lengthOf(teller)).toBe(0);
    expect(await tell(partOf(teller, 0, 1), teller.nodeId)).toEqual(holds(1));
    expect(await tell(partOf(teller, 2), teller.nodeId)).toEqual(holds(1));
    expect(lengthOf(teller)).toBe(1);
    expect(forks).toEqual([]);
  });

  it('lets nobody write into this node’s own log', async () => {
    const self = world.member('holder');
    await goOn(self, 2);
    expect(await tell(partOf(self), teller.nodeId)).toEqual(holds(0));
    expect(ledger.head.length).toBe(0);
    expect(ledger.heads()).toEqual([]);
  });

  it('says who brought a log that parted from the one held somewhere before, so that the place is looked for', async () => {
    const [one, two] = await forgedBy('forger', 1);
    expect(await tell(partOf(one, 0, 3), teller.nodeId)).toEqual(holds(3));
    expect(await tell(partOf(two, 3), teller.nodeId)).toMatchObject(refused('log_forked'));
    expect(forks).toEqual([[one.nodeId, teller.nodeId]]);
    expect(lengthOf(one)).toBe(3);
    expect(ledger.state.bannedFrom.size).toBe(0);
  });

  it('keeps the proof when what is told contradicts what is held, and bans its author', async () => {
    const [one, two] = await forgedBy('forger', 1);
    expect(await tell(partOf(one), teller.nodeId)).toEqual(holds(4));
    expect(await tell(partOf(two), teller.nodeId)).toMatchObject(refused('banned'));
    expect([...ledger.state.bannedFrom]).toEqual([[one.nodeId, 1]]);
    expect(ledger.proofs).toHaveLength(1);
    // The place is found: nobody needs to look for it.
    expect(forks).toEqual([]);
    await goOn(one, 1);
    expect(await tell(partOf(one, 4), teller.nodeId)).toMatchObject(refused('banned'));
    expect(lengthOf(one)).toBe(4);
  });

  it('refuses entries that are not what they are said to be, whole, and changes nothing', async () => {
    const elsewhere = await createEconomyWorld({ communityName: 'Elsewhere' });
    const foreign = elsewhere.member('teller');
    await elsewhere.write(foreign, { kind: 'contribution.decided', on: true });
    const other = await authorWith('other', 3);
    const { author, entries } = partOf(teller);
    const flipped = Uint8Array.from(entries[1]!);
    flipped[flipped.length - 1]! ^= 1;
    const digest = ledger.state.digest();
    for (const [input, code] of [
      [{ author, from: 0, entries: [entries[0]!, flipped] }, 'bad_signature'],
      [{ author, from: 0, entries: [entries[0]!, entries[2]!] }, 'chain_gap'],
      [{ author, from: 0, entries: partOf(other).entries }, 'chain_gap'],
      [{ author, from: 0, entries: partOf(foreign).entries }, 'foreign_community'],
      [{ author, from: 0, entries: [Uint8Array.of(1, 2, 3)] }, 'undecodable'],
      [{ author, from: MAX_ENTRIES_PER_LOG, entries: [entries[0]!] }, 'log_full'],
    ] as const)
      expect(await tell({ ...input, entries: [...input.entries] }, teller.nodeId)).toMatchObject(refused(code));
    expect(ledger.heads()).toEqual([]);
    expect(ledger.state.digest()).toBe(digest);
    expect(forks).toEqual([]);
  });

  it('passes on that its storage takes nothing', async () => {
    storage.close();
    expect(await tell(partOf(teller), teller.nodeId)).toMatchObject(refused('storage_unavailable'));
    expect(lengthOf(teller)).toBe(0);
  });

  it('takes so many authors whom it never heard of from one peer in an hour, and its own and known logs all the same', async () => {
    const another = world.member('another');
    const news: Member[] = [];
    for (let at = 0; at < NEW_AUTHORS_PER_HOUR + 1; at++) news.push(await authorWith(`new ${at}`, 2));
    const last = news.at(-1)!;
    for (const author of news.slice(0, -1)) expect(await tell(partOf(author, 0, 1), teller.nodeId)).toEqual(holds(1));
    expect(await tell(partOf(last, 0, 1), teller.nodeId)).toMatchObject(refused('quota_used_up'));
    expect(lengthOf(last)).toBe(0);

    expect(await tell(partOf(news[0]!, 1), teller.nodeId)).toEqual(holds(2));
    expect(await tell(partOf(teller), teller.nodeId)).toEqual(holds(3));
    expect(await tell(partOf(last, 0, 1), another.nodeId)).toEqual(holds(1));
    const later = await authorWith('later', 1);
    await clock.advance(HOUR_MS - 1);
    expect(await tell(partOf(later), teller.nodeId)).toMatchObject(refused('quota_used_up'));
    await clock.advance(1);
    expect(await tell(partOf(later), teller.nodeId)).toEqual(holds(1));
  });

  it('takes so much from one peer in an hour, and from others all the same', async () => {
    const nothing = { author: teller.nodeId, from: 0, entries: [] };
    for (let at = 0; at < TELLS_PER_HOUR; at++)
      expect(((await tell(nothing, teller.nodeId)) as { ok: boolean }).ok).toBe(true);
    expect(await tell(partOf(teller), teller.nodeId)).toMatchObject(refused('quota_used_up'));
    expect(lengthOf(teller)).toBe(0);
    expect(await tell(partOf(teller, 0, 1), world.member('another').nodeId)).toEqual(holds(1));
    await clock.advance(HOUR_MS);
    expect(await tell(partOf(teller), teller.nodeId)).toEqual(holds(3));
  });

  it('is told an author, a position and so many entries of so many bytes, and nothing else', () => {
    const entry = new Uint8Array(MAX_ENTRY_BYTES);
    const good = {
      author: 'a'.repeat(64),
      from: 0,
      entries: Array.from({ length: MAX_ENTRIES_PER_ANSWER }, () => entry),
    };
    expect(checkAgainst(ledgerTell.input, good).ok).toBe(true);
    for (const wrong of [
      { entries: [...good.entries, entry] },
      { entries: [new Uint8Array(MAX_ENTRY_BYTES + 1)] },
      { entries: ['entry'] },
      { from: -1 },
      { from: 0.5 },
      { from: Number.MAX_SAFE_INTEGER + 1 },
      { author: 'nobody' },
      { extra: 1 },
    ])
      expect(checkAgainst(ledgerTell.input, { ...good, ...wrong })).toMatchObject({ error: { code: 'malformed' } });
  });
});
