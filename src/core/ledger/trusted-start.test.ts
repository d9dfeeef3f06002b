import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '../base/ids';
import { fail, ok, unwrap } from '../base/result';
import { addSignature, type Signed } from '../wire/signed';
import type { NodeStorage } from '../storage/ports';
import { createMemory } from '#adapters/storage-memory';
import { createEconomyWorld, credits, type AnyWritten, type Member } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { signCheckpoint, type CertifiedCheckpoint } from './certified-checkpoint';
import { equivocationOf } from './chain';
import type { Ledger } from './ledger';

type World = Awaited<ReturnType<typeof createEconomyWorld>>;

const AT = 1_800_000_000_000;
const refused = (code: string) => ({ ok: false, error: { code } });

let world: World;
let members: Member[];
/** Holds every log from its first entry. */
let holder: Ledger;

const openAs = (name: string, storage?: NodeStorage): Promise<Ledger> => {
  const { community, manifest, verify, founder } = world;
  return openTestLedger(world.member(name).signer, {
    verify,
    in: { community, manifest, founder: founder.signer },
    checkpointAfter: 4,
    ...(storage === undefined ? {} : { storage }),
  });
};

/** Brings what the other holds of a log and this one does not. */
async function bring(ledger: Ledger, author: Member): Promise<void> {
  const from = ledger.heads().find((head) => head.author === author.nodeId)?.length ?? 0;
  const rest = author.entries.slice(from).map(({ bytes }) => bytes);
  if (rest.length > 0) unwrap(await ledger.receive(author.nodeId, from, rest));
}

async function trade(host: Member): Promise<void> {
  const reservation = await world.reserve(world.founder, host);
  const done = await world.work(reservation);
  await world.propose(host, reservation, done);
  const { event, refs } = await world.close(reservation, { outcome: 'settled', work: done });
  await world.write(host, event, refs);
}

const certify = async (signers: readonly Member[], ledger = holder): Promise<CertifiedCheckpoint> => {
  const [first, ...others] = signers;
  const { packed, signed } = unwrap(await signCheckpoint(first!.signer, world.community, ledger.checkpoint()!, AT));
  let all: Signed = signed;
  for (const { signer } of others) all = await addSignature(signer, all);
  return { signed: all, packed };
};

beforeEach(async () => {
  world = await createEconomyWorld({ witnesses: ['w0', 'w1', 'w2', 'w3'] });
  members = [world.founder, world.member('host'), world.member('other')];
  for (const host of members.slice(1)) await trade(host);
  holder = await openAs('holder');
  for (const member of members) await bring(holder, member);
});

const quorum = (): Member[] => ['w0', 'w1', 'w2'].map((name) => world.member(name));
const lengthOf = (ledger: Ledger, author: NodeId): number =>
  ledger.heads().find((head) => head.author === author)?.length ?? 0;
const entriesOf = ({ entries }: Member): AnyWritten[] => entries;

describe('a ledger that begins with a certified checkpoint', () => {
  it('comes to the same without any entry before it, and goes on with what comes after', async () => {
    const ledger = await openAs('newcomer');
    unwrap(await ledger.begin(await certify(quorum())));
    expect(ledger.state.digest()).toBe(holder.state.digest());
    expect(ledger.heads()).toEqual(holder.heads());
    expect(ledger.start?.statement).toMatchObject({ at: AT, logs: 3 });
    expect(await ledger.begin(await certify(quorum()))).toMatchObject(refused('begun_already'));
    for (const host of members.slice(1)) await trade(host);
    for (const member of members) for (const one of [holder, ledger]) await bring(one, member);
    expect(ledger.state.digest()).toBe(holder.state.digest());
    expect(ledger.state.closingByReservation.size).toBe(4);
  });

  it('goes on from there after restarts, whatever was kept of its own checkpoints', async () => {
    const memory = createMemory();
    const ledger = await openAs('newcomer', memory.open());
    unwrap(await ledger.append({ kind: 'contribution.decided', on: true }));
    unwrap(await ledger.begin(await certify(quorum())));
    await ledger.settled();
    const digest = ledger.state.digest();
    expect((await openAs('newcomer', memory.open())).state.digest()).toBe(digest);
    for (const key of unwrap(await memory.open().records.keys('ledger-checkpoint/')))
      unwrap(await memory.open().records.delete(key));
    const again = await openAs('newcomer', memory.open());
    expect(again.state.digest()).toBe(digest);
    expect(again.heads()).toEqual(ledger.heads());
    await trade(members[1]!);
    for (const member of members) for (const one of [holder, again]) await bring(one, member);
    expect(again.state.balanceOf(members[1]!.nodeId)).toEqual(holder.state.balanceOf(members[1]!.nodeId));
    await again.settled();
    expect((await openAs('newcomer', memory.open())).state.digest()).toBe(again.state.digest());
  });

  it('takes the beginnings later, and then reads every log from its first entry', async () => {
    const memory = createMemory();
    const ledger = await openAs('newcomer', memory.open());
    unwrap(await ledger.begin(await certify(quorum())));
    expect(await ledger.export()).toMatchObject(refused('not_all_here'));
    for (const { author, from, to } of unwrap(await ledger.missing())) {
      expect(from).toBe(0);
      const bytes = entriesOf(members.find(({ nodeId }) => nodeId === author)!).map((one) => one.bytes);
      expect(bytes).toHaveLength(to);
      expect(unwrap(await ledger.bytesOf(author, 0, 9))).toEqual([]);
      // In two parts, with a restart between them.
      unwrap(await ledger.receiveBeginning(author, 0, bytes.slice(0, 1)));
      expect(await ledger.receiveBeginning(author, 0, bytes)).toMatchObject(refused('log_gap'));
      const again = await openAs('newcomer', memory.open());
      expect(unwrap(await again.missing()).find((one) => one.author === author)?.from).toBe(1);
      unwrap(await ledger.receiveBeginning(author, 1, bytes.slice(1)));
      expect(unwrap(await ledger.bytesOf(author, 0, 9))).toEqual(bytes);
    }
    expect(unwrap(await ledger.missing())).toEqual([]);
    await trade(members[2]!);
    for (const member of members) for (const one of [holder, ledger]) await bring(one, member);
    expect(unwrap(await ledger.export())).toBe(unwrap(await holder.export()));
    await ledger.settled();
    for (const key of unwrap(await memory.open().records.keys('ledger-checkpoint/')))
      unwrap(await memory.open().records.delete(key));
    expect((await openAs('newcomer', memory.open())).state.digest()).toBe(holder.state.digest());
  });

  it('goes on too where it held a part of the logs, and refuses where it held other entries', async () => {
    const [founder, host] = members as [Member, Member];
    const certified = await certify(quorum());
    const ledger = await openAs('newcomer');
    unwrap(await ledger.receive(founder.nodeId, 0, [founder.entries[0]!.bytes]));
    unwrap(await ledger.begin(certified));
    expect(ledger.state.digest()).toBe(holder.state.digest());
    expect(unwrap(await ledger.missing()).find(({ author }) => author === founder.nodeId)?.from).toBe(1);

    const twin = world.twinOf(host, 0);
    const others = [];
    for (let at = 0; at < host.entries.length; at++)
      others.push((await world.write(twin, { kind: 'contribution.decided', on: true })).bytes);
    const deceived = await openAs('deceived');
    unwrap(await deceived.receive(host.nodeId, 0, others));
    const before = deceived.state.digest();
    expect(await deceived.begin(certified)).toMatchObject(refused('log_forked'));
    expect(deceived.state.digest()).toBe(before);
    expect(deceived.start).toBe(null);
    // A beginning of another history does not fit either, though each of its entries is signed.
    expect(await ledger.receiveBeginning(host.nodeId, 0, others)).toMatchObject(refused('log_forked'));
    expect(unwrap(await ledger.missing()).find(({ author }) => author === host.nodeId)?.from).toBe(0);
  });

  it('refuses what too few witnesses signed, what was changed, and what is about more of its own log than it has', async () => {
    const ledger = await openAs('newcomer');
    const before = ledger.state.digest();
    const stranger = world.member('stranger');
    const [w0, w1] = quorum() as [Member, Member];
    for (const signers of [[w0], [w0, w1], [w0, w1, stranger]])
      expect(await ledger.begin(await certify(signers))).toMatchObject(refused('not_certified'));
    const { signed, packed } = await certify(quorum());
    const changed = Uint8Array.from(packed, (byte, at) => (at === packed.length - 9 ? byte ^ 1 : byte));
    expect(await ledger.begin({ signed, packed: changed })).toMatchObject(refused('wrong_state'));
    const forged = { ...signed, signatures: signed.signatures.map((one) => ({ ...one, keyId: w0.nodeId })) };
    expect(await ledger.begin({ signed: forged, packed })).toMatchObject({ ok: false });
    const host = await openAs('host');
    expect(await host.begin({ signed, packed })).toMatchObject(refused('own_log'));
    expect(ledger.state.digest()).toBe(before);
    expect(ledger.start).toBe(null);
    expect(ledger.heads()).toEqual([]);
  });

  it('counts what a forger signed for nothing as soon as it has the entries to judge anew, and until then as little as it can', async () => {
    const host = members[1]!;
    const memory = createMemory();
    let ledger = await openAs('newcomer', memory.open());
    const certified = await certify(quorum());
    unwrap(await ledger.begin(certified));
    const twin = world.twinOf(host, 0);
    const second = await world.write(twin, { kind: 'contribution.decided', on: true });
    const first = host.entries[0]!;
    const proof = equivocationOf(
      { id: first.entry.id, bytes: first.bytes },
      { id: second.entry.id, bytes: second.bytes },
    );
    for (const one of [holder, ledger]) unwrap(await one.receiveProof(proof));
    expect(ledger.state.balanceOf(host.nodeId).availableMicros).toBe(0);
    // Also where it was started again in between, and wrote enough for a checkpoint of its own.
    for (let at = 0; at < 9; at++) unwrap(await ledger.append({ kind: 'contribution.decided', on: true }));
    await ledger.settled();
    unwrap(await holder.receive(ledger.author, 0, unwrap(await ledger.bytesOf(ledger.author, 0, 9))));
    ledger = await openAs('newcomer', memory.open());
    for (const { author } of unwrap(await ledger.missing())) {
      const { entries } = members.find(({ nodeId }) => nodeId === author)!;
      unwrap(
        await ledger.receiveBeginning(
          author,
          0,
          entries.map(({ bytes }) => bytes),
        ),
      );
    }
    expect(ledger.state.digest()).toBe(holder.state.digest());
    // One that was certified before the forgery was known is no beginning for whoever knows of it.
    const later = await openAs('later');
    unwrap(await later.receiveProof(proof));
    expect(await later.begin(certified)).toMatchObject(refused('banned'));
    // One that was certified after it needs the proof.
    const knowing = await certify(quorum());
    const unknowing = await openAs('unknowing');
    expect(await unknowing.begin(knowing)).toMatchObject(refused('banned'));
    unwrap(await unknowing.receiveProof(proof));
    unwrap(await unknowing.begin(knowing));
    expect(unknowing.state.digest()).toBe(holder.state.digest());
    expect(lengthOf(unknowing, host.nodeId)).toBe(0);
  });

  it('comes to the same as all others where an author gave it another beginning, since both histories together prove the forgery', async () => {
    const host = members[1]!;
    const ledger = await openAs('newcomer');
    unwrap(await ledger.begin(await certify(quorum())));
    const twin = world.twinOf(host, 0);
    const other = await world.write(twin, { kind: 'contribution.decided', on: true });
    unwrap(await ledger.receiveBeginning(host.nodeId, 0, [other.bytes]));
    const honest = host.entries.map(({ bytes }) => bytes);
    expect(await ledger.receiveBeginning(host.nodeId, 1, honest.slice(1))).toMatchObject(refused('chain_broken'));
    expect(await ledger.receive(host.nodeId, 0, honest)).toMatchObject(refused('banned'));
    for (const { author, from } of unwrap(await ledger.missing())) {
      expect(author).not.toBe(host.nodeId);
      const { entries } = members.find(({ nodeId }) => nodeId === author)!;
      unwrap(
        await ledger.receiveBeginning(
          author,
          from,
          entries.slice(from).map(({ bytes }) => bytes),
        ),
      );
    }
    expect(unwrap(await ledger.missing())).toEqual([]);
    for (const proof of ledger.proofs) unwrap(await holder.receiveProof(proof));
    expect(ledger.state.digest()).toBe(holder.state.digest());
    expect((await ledger.export()).ok).toBe(true);
  });

  it('is whole where it was stopped just when the last beginning had come', async () => {
    const memory = createMemory();
    const storage = memory.open();
    let written = 0;
    const records: NodeStorage['records'] = {
      ...storage.records,
      set: (key, value) =>
        key.startsWith('ledger-start/') && written++ > 0
          ? Promise.resolve(fail('storage_unavailable', 'The tab is gone.'))
          : storage.records.set(key, value),
    };
    const ledger = await openAs('newcomer', { ...storage, records });
    unwrap(await ledger.begin(await certify(quorum())));
    for (const { author } of unwrap(await ledger.missing()))
      await ledger.receiveBeginning(
        author,
        0,
        members.find(({ nodeId }) => nodeId === author)!.entries.map(({ bytes }) => bytes),
      );
    const again = await openAs('newcomer', memory.open());
    expect(again.heldFrom(members[1]!.nodeId)).toBe(0);
    expect(unwrap(await again.export())).toBe(unwrap(await holder.export()));
  });

  it('stays what it was where the disk is full, and goes back to its entries where the store lost what it began with', async () => {
    const memory = createMemory();
    const storage = memory.open();
    let full = true;
    const records: NodeStorage['records'] = {
      ...storage.records,
      set: (key, value) =>
        full && key.startsWith('ledger-start/')
          ? Promise.resolve(fail('storage_full', 'The disk is full.'))
          : storage.records.set(key, value),
    };
    const [founder, host] = members as [Member, Member];
    const ledger = await openAs('newcomer', { ...storage, records });
    await bring(ledger, founder);
    const [digest, certified] = [ledger.state.digest(), await certify(quorum())];
    expect(await ledger.begin(certified)).toMatchObject(refused('storage_full'));
    expect(ledger.state.digest()).toBe(digest);
    expect((await openAs('newcomer', memory.open())).state.digest()).toBe(digest);
    full = false;
    unwrap(await ledger.begin(certified));
    expect(ledger.state.digest()).toBe(holder.state.digest());
    await ledger.settled();

    // A store that gives a log back shorter than it was.
    const lossy: NodeStorage = {
      ...memory.open(),
      logNamed: (name) =>
        name.endsWith(founder.nodeId)
          ? { ...memory.open().logNamed(name), read: async () => ok([]), length: async () => ok(0) }
          : memory.open().logNamed(name),
    };
    const again = await openAs('newcomer', lossy);
    expect(again.start).toBe(null);
    expect(lengthOf(again, host.nodeId)).toBe(0);
  });

  it('is certified by nobody who has it on the word of others, nor while an entry waits for another', async () => {
    const ledger = await openAs('newcomer');
    unwrap(await ledger.begin(await certify(quorum())));
    expect(ledger.checkpoint()).toBe(null);
    const roster = await world.nameWitnesses([], 1);
    const waiting = await world.reserve(members[1]!, members[2]!, { roster, amountMicros: credits(1) });
    unwrap(await holder.receive(members[1]!.nodeId, waiting.entry.seq, [waiting.bytes]));
    expect(holder.checkpoint()).toBe(null);
    await bring(holder, world.founder);
    expect(holder.checkpoint()).not.toBe(null);
  });
});
