import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { equivocationOf, type EquivocationProof } from '#core/ledger/chain';
import type { Ledger } from '#core/ledger/ledger';
import { HANDOVER_GAP_MS, HANDOVER_MS } from '#core/ledger/witness-duty';
import { openHeadWitness } from '#core/ledger/witnesses';
import type { NodeStorage } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import { createMemory, type Memory } from '#adapters/storage-memory';
import {
  createEconomyWorld,
  credits,
  type AnyWritten,
  type EconomyWorld,
  type Member,
  type Reservation,
} from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { witnessHead, type WitnessHeadInput } from './contract';
import { createWitnessHeadHandler } from './handler';

const HOUR_MS = 60 * 60 * 1_000;
const HEADS_PER_HOUR = 10_000;

let world: EconomyWorld;
let clock: VirtualClock;
let memory: Memory;
let storage: NodeStorage;
let ledger: Ledger;
let witness: Member;
let payer: Member;
let host: Member;
let reservation: Reservation;
/** What runs just before the witness signs, and just before an entry is read. */
let beforeSigning: () => Promise<void>;
let beforeReading: () => Promise<void>;
let ask: (input: WitnessHeadInput, caller?: NodeId) => ReturnType<ReturnType<typeof createWitnessHeadHandler>>;

beforeEach(async () => {
  world = await createEconomyWorld();
  clock = createVirtualClock(world.nowMs);
  memory = createMemory();
  const opened = memory.open();
  beforeSigning = beforeReading = async () => {};
  storage = {
    ...opened,
    logNamed(name) {
      const log = opened.logNamed(name);
      return {
        ...log,
        async read(from, limit) {
          await beforeReading();
          return log.read(from, limit);
        },
      };
    },
  };
  const { community, manifest, verify, founder } = world;
  [witness, payer, host] = [world.member('w0'), founder, world.member('host')];
  ledger = await openTestLedger(witness.signer, {
    storage,
    clock,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  const signer: Signer = {
    nodeId: witness.nodeId,
    async sign(bytes) {
      await beforeSigning();
      return witness.signer.sign(bytes);
    },
  };
  const handler = createWitnessHeadHandler({ signer, clock, ledger: () => ledger });
  ask = (input, caller = payer.nodeId) => {
    const context: CallContext<never> = {
      caller,
      local: false,
      callId: 'call-1',
      signal: new AbortController().signal,
      emit: () => {},
    };
    return handler(input, context);
  };
  reservation = await world.reserve(payer, host);
});

/** Brings the witness what it does not hold yet of a log. */
async function bring(author: Member) {
  const from = ledger.heads().find((head) => head.author === author.nodeId)?.length ?? 0;
  return ledger.receive(
    author.nodeId,
    from,
    author.entries.slice(from).map(({ bytes }) => bytes),
  );
}

/** That a node signed twice for its first entry. */
async function proofAgainst(author: Member): Promise<EquivocationProof> {
  const [{ entry, bytes }] = author.entries as [AnyWritten];
  const other = await world.write(world.twinOf(author, 0), { kind: 'contribution.decided', on: false });
  return equivocationOf({ id: entry.id, bytes }, { id: other.entry.id, bytes: other.bytes });
}

const placeOf = ({ entry: { author, seq, id } }: AnyWritten): WitnessHeadInput => ({ author, seq, entry: id });
const refused = (code: string) => ({ ok: false, error: { code } });

describe('witness.head', () => {
  it('signs that a reservation is the one entry that it saw at its place, alone and with the time of its own clock', async () => {
    unwrap(await bring(payer));
    await clock.advance(7);
    const said = unwrap(await ask(placeOf(reservation)));
    expect(checkAgainst(witnessHead.output, said).ok).toBe(true);
    expect(unwrap(await openHeadWitness(said.statement, world.verify))).toEqual({
      witness: witness.nodeId,
      statement: {
        type: 'witness-head',
        v: 1,
        community: world.community.id,
        ...placeOf(reservation),
        at: world.nowMs + 7,
      },
    });
  });

  it('signs for grants too, and for whoever asks', async () => {
    const granted = await world.grant(payer, host, credits(1));
    unwrap(await bring(payer));
    const said = unwrap(await ask(placeOf(granted), host.nodeId));
    expect(unwrap(await openHeadWitness(said.statement, world.verify)).statement).toMatchObject(placeOf(granted));
  });

  it('never signs before the entry is kept, so that after a restart it still refuses another one there', async () => {
    unwrap(await bring(payer));
    const kept: unknown[] = [];
    beforeSigning = async () => {
      const log = memory.open().logNamed(`${world.community.id}/${payer.nodeId}`);
      kept.push(unwrap(await log.read(reservation.entry.seq, 1)).map(({ bytes }) => bytes));
    };
    unwrap(await ask(placeOf(reservation)));
    expect(kept).toEqual([[reservation.bytes]]);

    const twin = world.twinOf(payer, reservation.entry.seq);
    const other = await world.reserve(twin, host);
    const { community, manifest, verify, founder } = world;
    ledger = await openTestLedger(witness.signer, {
      storage: memory.open(),
      clock,
      verify,
      in: { community, manifest, founder: founder.signer },
    });
    expect(await ask(placeOf(other))).toMatchObject(refused('other_entry'));
    expect((await ask(placeOf(reservation))).ok).toBe(true);
  });

  it('does not sign where the log that it holds does not reach', async () => {
    expect(await ask(placeOf(reservation))).toMatchObject(refused('not_held'));
    unwrap(await bring(payer));
    expect(await ask({ ...placeOf(reservation), seq: 1 })).toMatchObject(refused('not_held'));
    expect(await ask({ ...placeOf(reservation), author: host.nodeId })).toMatchObject(refused('not_held'));
  });

  it('signs for nothing else at a place, neither before it heard of a second history nor after', async () => {
    const twin = world.twinOf(payer, reservation.entry.seq);
    const other = await world.reserve(twin, host);
    unwrap(await bring(payer));
    unwrap(await ask(placeOf(reservation)));
    expect(await ask(placeOf(other))).toMatchObject(refused('other_entry'));
    expect(await ledger.receive(twin.nodeId, 0, [other.bytes])).toMatchObject(refused('banned'));
    expect(await ask(placeOf(other))).toMatchObject(refused('other_entry'));
    expect(await ask(placeOf(reservation))).toMatchObject(refused('banned'));
  });

  it('does not sign for a forger of whom it hears while it reads the entry', async () => {
    const earlier = world.member('earlier forger');
    await world.write(earlier, { kind: 'contribution.decided', on: true });
    unwrap(await bring(earlier));
    unwrap(await bring(payer));
    // Each makes the witness go through all logs anew, so what it knew when it began to read is out of date.
    const proofs = await Promise.all([earlier, payer].map(proofAgainst));
    const heard: unknown[] = [];
    beforeReading = async () => {
      beforeReading = async () => {};
      for (const proof of proofs) heard.push(unwrap(await ledger.receiveProof(proof)));
    };
    expect(await ask(placeOf(reservation))).toMatchObject(refused('banned'));
    expect(heard).toEqual([true, true]);
  });

  it('does not sign for entries that break a rule, wait for another one, or move no credit', async () => {
    const plain = await world.write(payer, { kind: 'contribution.decided', on: true });
    const overdrawn = await world.reserve(payer, host, { amountMicros: credits(1_001) });
    const poor = world.member('poor');
    const unpaid = await world.grant(poor, host, 1);
    // Its roster stands further on in the founder's log than the witness holds it.
    unwrap(await bring(payer));
    const waiting = await world.reserve(poor, host, { roster: await world.nameWitnesses([], 1) });
    unwrap(await bring(poor));
    for (const entry of [plain, overdrawn, unpaid, waiting])
      expect(await ask(placeOf(entry))).toMatchObject(refused('entry_refused'));
    expect((await ask(placeOf(reservation))).ok).toBe(true);
  });

  it('does not sign for a roster before it is in force, nor around the change for the one that goes', async () => {
    const roster = await world.nameWitnesses([], 1);
    const early = await world.reserve(payer, host, { roster });
    unwrap(await bring(payer));
    const signs = async (entry: Reservation) => {
      const said = await ask(placeOf(entry));
      return said.ok || said.error.code;
    };
    expect(await signs(early)).toBe('roster_not_in_force');
    await clock.advance(HANDOVER_MS - HANDOVER_GAP_MS - 1);
    expect([await signs(early), await signs(reservation)]).toEqual(['roster_not_in_force', true]);
    await clock.advance(1);
    expect([await signs(early), await signs(reservation)]).toEqual(['roster_not_in_force', 'roster_not_in_force']);
    await clock.advance(HANDOVER_GAP_MS - 1);
    expect([await signs(early), await signs(reservation)]).toEqual(['roster_not_in_force', 'roster_not_in_force']);
    await clock.advance(1);
    expect([await signs(early), await signs(reservation)]).toEqual([true, 'roster_not_in_force']);
  });

  it('signs so often for one caller in an hour, and for others all the same', async () => {
    unwrap(await bring(payer));
    const nowhere = { ...placeOf(reservation), seq: 99 };
    for (let at = 1; at < HEADS_PER_HOUR; at++) await ask(nowhere);
    expect((await ask(placeOf(reservation))).ok).toBe(true);
    expect(await ask(placeOf(reservation))).toMatchObject(refused('quota_used_up'));
    expect((await ask(placeOf(reservation), host.nodeId)).ok).toBe(true);
    await clock.advance(HOUR_MS);
    expect((await ask(placeOf(reservation))).ok).toBe(true);
  });

  it('passes on that its storage cannot be read', async () => {
    unwrap(await bring(payer));
    storage.close();
    expect(await ask(placeOf(reservation))).toMatchObject(refused('storage_unavailable'));
  });

  it('is asked about one entry at one place, and nothing else', () => {
    const good = placeOf(reservation);
    expect(checkAgainst(witnessHead.input, good).ok).toBe(true);
    for (const wrong of [
      { seq: -1 },
      { seq: 0.5 },
      { seq: Number.MAX_SAFE_INTEGER + 1 },
      { entry: good.author },
      { author: good.entry },
      { community: world.community.id },
    ])
      expect(checkAgainst(witnessHead.input, { ...good, ...wrong })).toMatchObject({ error: { code: 'malformed' } });
  });
});
