import * as v from 'valibot';
import { expect, test } from 'vitest';
import { createMemory } from '#adapters/storage-memory';
import { createEmitter } from '#core/base/events';
import { fail, ok } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { sealOf } from '#core/experts/validators/sealed-verdict';
import type { WorkKinds } from '#core/experts/work-kind';
import type { LedgerEvent } from '#core/ledger/events';
import type { Ledger, LedgerChange } from '#core/ledger/ledger';
import type { LedgerState } from '#core/ledger/ledger-state';
import { RULING_MS } from '#core/ledger/witness-duty';
import { checkRedo } from '#services/check-redo/contract';
import { createEconomyWorld, credits, type AnyWritten, type Member } from '#tests/fakes/economy-world';
import { createFoldFeeder } from '#tests/fakes/fold-feeder';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { startDisputes } from './disputes';
import type { LedgerExchange } from './exchange';
import type { Witnessing } from './witnessing';

/** Challenges of one payer to the work of these hosts, each ruled on; the entries are held back until they are given. */
async function court(hosts: readonly string[], found: 'accepted' | 'rejected') {
  const world = await createEconomyWorld();
  const payer = world.member('payer');
  await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
  const bonds: string[] = [];
  for (const name of hosts) {
    const host = world.member(name);
    const work = await world.reserve(payer, host);
    const done = await world.work(work);
    const proposal = await world.propose(host, work, done);
    const stake = await world.bond(payer, work, done.opened.receipt.chargeMicros);
    bonds.push(stake.entry.id);
    const raised = await world.challenge(payer, proposal, work, done, stake);
    const panel = world.panelOf(payer, work, done);
    await world.rule(payer, raised, await Promise.all(panel.map((one) => world.verdict(one, work, done, found))));
  }
  const feeder = createFoldFeeder(world.community);
  const give = ({ entries }: Member, from = 0, to = entries.length): void =>
    entries.slice(from, to).forEach(({ entry }: AnyWritten) => feeder.give(entry));
  return { world, payer, bonds, feeder, give };
}

type Court = Awaited<ReturnType<typeof court>>;

/** Disputes of one node, whose witnesses sign everything; what they were asked, and how often a challenge was looked up. */
function disputesOf(self: Member, { world, feeder }: Court, signs: () => boolean = () => true) {
  const clock = createVirtualClock();
  const changed = createEmitter<LedgerChange>();
  const seen = { lookups: 0, ended: [] as string[] };
  const { state } = feeder.fold;
  const counted = new Proxy(state.challengesById, {
    get(target, name) {
      seen.lookups += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const watched = new Proxy(state, {
    get: (target, name) => (name === 'challengesById' ? counted : (Reflect.get(target, name) as unknown)),
  }) as LedgerState;
  const ledger = {
    author: self.nodeId,
    community: world.community,
    state: watched,
    changed,
    bytesOf: async (author: string, seq: number) => ok([world.byId(author).entries[seq]!.bytes]),
    append: async (event: LedgerEvent) => ok(event),
  } as unknown as Ledger;
  const witnessing: Witnessing = {
    certifyHead: async () => ({ statements: [], complete: true }),
    async certifyOutcome({ outcome, reservation }) {
      seen.ended.push(`${outcome} ${reservation}`);
      return { statements: [], complete: signs() };
    },
    setFor: () => ({ witnesses: [], quorum: 1 }),
  };
  const disputes = startDisputes({
    links: { reach: async () => true },
    verify: world.verify,
    clock,
    chance: createSeededChance(1),
    records: createMemory().open().records,
    ledger,
    bus: {} as Bus,
    exchange: {} as LedgerExchange,
    witnessing,
    kinds: new Map(),
    checks: new Map(),
    loadModel: async () => ok(undefined),
  });
  const change = async (): Promise<void> => {
    changed.emit({ author: self.nodeId, own: null });
    await clock.advance(1_000);
  };
  return { clock, disputes, seen, change };
}

test('whoever did honest work takes the bond of the challenge against it, and of no other', async () => {
  const scene = await court(['host', 'other'], 'accepted');
  for (const one of scene.world.members) scene.give(one);
  const { seen, change, disputes } = disputesOf(scene.world.member('host'), scene);
  await change();
  expect(seen.ended).toEqual([`settled ${scene.bonds[0]}`]);
  // Done once, whatever else is heard.
  await change();
  expect(seen.ended).toHaveLength(1);
  disputes.stop();
});

test('what witnesses would not sign yet is tried again later', async () => {
  const scene = await court(['host'], 'accepted');
  for (const one of scene.world.members) scene.give(one);
  let there = false;
  const { clock, seen, disputes } = disputesOf(scene.world.member('host'), scene, () => there);
  await clock.advance(1_000);
  expect(seen.ended).toHaveLength(1);
  there = true;
  await clock.advance(60_000);
  expect(seen.ended).toHaveLength(2);
  await clock.advance(600_000);
  expect(seen.ended).toHaveLength(2);
  disputes.stop();
});

test('what broke while witnesses were asked is tried again later', async () => {
  const scene = await court(['host'], 'accepted');
  for (const one of scene.world.members) scene.give(one);
  let isBroken = true;
  const { clock, seen, disputes } = disputesOf(scene.world.member('host'), scene, () => {
    if (isBroken) throw new Error('a fault of ours');
    return true;
  });
  await clock.advance(1_000);
  expect(seen.ended).toHaveLength(1);
  isBroken = false;
  await clock.advance(60_000);
  expect(seen.ended).toHaveLength(2);
  disputes.stop();
});

test('a ruling is looked at when it comes and never again: a long history of disputes costs nothing', async () => {
  const scene = await court(['a', 'b', 'c', 'd', 'e', 'f'], 'rejected');
  const { payer, world, give, feeder } = scene;
  for (const one of world.members) if (one !== payer) give(one);
  const ruling = payer.entries.length - 1;
  give(payer, 0, ruling);
  for (const one of world.members) if (one !== payer) give(one);
  expect(feeder.fold.state.rulings.size).toBe(5);

  const bystander = disputesOf(world.member('bystander'), scene);
  await bystander.change();
  const atFirst = bystander.seen.lookups;
  expect(atFirst).toBe(5);
  await bystander.change();
  expect(bystander.seen.lookups).toBe(atFirst);
  give(payer, ruling);
  await bystander.change();
  expect(bystander.seen.lookups).toBe(atFirst + 1);
  expect(bystander.seen.ended).toEqual([]);
  bystander.disputes.stop();
});

/** A payer that finds work of a host wrong and challenges it, before a panel of which nobody is there. */
async function challengeUnheard(isWritten: boolean, bring: () => Promise<void> = async () => {}) {
  const world = await createEconomyWorld();
  const [payer, host] = [world.member('payer'), world.member('host')];
  await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
  const work = await world.reserve(payer, host);
  const done = await world.work(work);
  const proposal = await world.propose(host, work, done);
  const verdict = (await world.verdict(payer, work, done, 'rejected')).signed;
  const feeder = createFoldFeeder(world.community);
  for (const { entries } of world.members) for (const { entry } of entries) feeder.give(entry);

  const clock = createVirtualClock(world.nowMs);
  const ended: string[] = [];
  const stake = await world.bond(payer, work, done.opened.receipt.chargeMicros);
  const salt = new Uint8Array(32);
  const disputes = startDisputes({
    links: { reach: async (node) => node === payer.nodeId },
    verify: world.verify,
    clock,
    chance: createSeededChance(1),
    records: createMemory().open().records,
    ledger: {
      author: payer.nodeId,
      community: world.community,
      state: feeder.fold.state,
      changed: createEmitter<LedgerChange>(),
      heads: () => world.members.map(({ nodeId, entries }) => ({ author: nodeId, length: entries.length })),
      heldFrom: () => 0,
      entriesOf: async (author: string) => ok(world.byId(author).entries.map(({ entry }) => entry)),
      bytesOf: async (author: string, seq: number) => ok([world.byId(author).entries[seq]!.bytes]),
      async append({ kind }: LedgerEvent) {
        if (kind === 'settlement.closed') return ok({});
        if (kind === 'challenge.raised' && !isWritten) return fail('storage_full', 'The disk is full.');
        const { entry } =
          kind === 'challenge.raised' ? await world.challenge(payer, proposal, work, done, stake) : stake;
        feeder.give(entry);
        return ok(entry);
      },
    } as unknown as Ledger,
    bus: {
      call: async ({ id }: { readonly id: string }) =>
        ok(id === checkRedo.id ? { sealed: sealOf(salt, verdict) } : { verdict, salt, lookedAt: null }),
    } as unknown as Bus,
    exchange: { bring } as unknown as LedgerExchange,
    witnessing: {
      certifyHead: async () => ({ statements: [], complete: true }),
      async certifyOutcome({ outcome, reservation }) {
        if (reservation === stake.entry.id) ended.push(outcome);
        return { statements: [], complete: true };
      },
      setFor: () => ({ witnesses: [], quorum: 1 }),
    },
    kinds: {
      get: () => ({ checkCapability: checkRedo.id, capability: { output: v.unknown() }, model: () => null }),
    } as unknown as WorkKinds,
    checks: new Map([[checkRedo.id, checkRedo]]),
    loadModel: async () => ok(undefined),
  });
  const { commitment } = done.settlement;
  const raised = await disputes.challenge(work.entry.id, { commitment, salt, input: {}, output: {} });
  return { clock, disputes, ended, raised };
}

const HOUR_MS = 60 * 60_000;

test.each([
  ['the challenge could not be written', false, HOUR_MS / 2, 3 * HOUR_MS],
  ['nobody of the panel was there in time', true, RULING_MS, 2 * RULING_MS],
])('a bond comes back when it has expired, where %s', async (_, isWritten, boundForMs, expiredMs) => {
  const { clock, disputes, ended, raised } = await challengeUnheard(isWritten);
  expect(raised.ok).toBe(isWritten);
  await clock.advance(boundForMs);
  expect(ended).toEqual([]);
  await clock.advance(expiredMs);
  expect(ended).toEqual(['expired']);
  disputes.stop();
});

test('a panel is asked again after asking it broke', async () => {
  let brought = 0;
  const { clock, disputes } = await challengeUnheard(true, async () => {
    brought += 1;
    throw new Error('a fault of ours');
  });
  await clock.advance(1_000);
  const once = brought;
  expect(once).toBeGreaterThan(0);
  await clock.advance(60_000);
  expect(brought).toBe(2 * once);
  disputes.stop();
});
