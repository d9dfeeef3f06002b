import { describe, expect, it } from 'vitest';
import { encodeCanonical } from '../base/canonical';
import { unwrap } from '../base/result';
import { createEconomyWorld, credits, type AnyWritten, type EconomyWorld } from '#tests/fakes/economy-world';
import { createFoldFeeder, type FoldFeeder } from '#tests/fakes/fold-feeder';
import { EMPTY_HEAD, equivocationOf, MAX_LAMPORT, openEntry, signEntry } from './chain';
import { ledgerEventSchema } from './events';
import type { OpenedEntry } from './open-event';
import { panelFor } from './rules/dispute-rules';
import { HANDOVER_GAP_MS, HANDOVER_MS, mayWitnessHead, rosterInForce } from './witness-duty';
import { witnessesFor } from './witnesses';

/** What a member does to make two honest folds differ, to take money back that was certified, or to stop others. */

type Step = (feeder: FoldFeeder) => void;
const giving =
  (...entries: readonly AnyWritten[]): Step =>
  ({ give }) => {
    for (const { entry } of entries) give(entry);
  };
const banning =
  (author: string, seq: number): Step =>
  ({ ban }) =>
    ban(author, seq);

/** One fold for each order of the steps. */
function inEveryOrder(world: EconomyWorld, steps: readonly Step[]): readonly FoldFeeder[] {
  const orders = (left: readonly Step[]): (readonly Step[])[] =>
    left.length === 0
      ? [[]]
      : left.flatMap((first, at) => orders(left.filter((_, other) => other !== at)).map((rest) => [first, ...rest]));
  return orders(steps).map((order) => {
    const feeder = createFoldFeeder(world.community);
    for (const step of order) step(feeder);
    return feeder;
  });
}

const digests = (feeders: readonly FoldFeeder[]): ReadonlySet<string> =>
  new Set(feeders.map(({ fold }) => fold.state.digest()));

/** Somebody who signed two entries for one place: `place` counts for nothing. */
async function forger(world: EconomyWorld, name: string) {
  const member = world.member(name);
  const twin = world.twinOf(member, member.entries.length);
  const one = await world.write(member, { kind: 'contribution.decided', on: true });
  const two = await world.write(twin, { kind: 'contribution.decided', on: false });
  return { member, seq: one.entry.seq, one, two };
}

it('the proof of a double spend is small: two entries as they are stored, and nothing around them', async () => {
  const world = await createEconomyWorld();
  const payer = world.founder;
  const twin = world.twinOf(payer, payer.entries.length);
  const [one, two] = [
    await world.reserve(payer, world.member('host')),
    await world.reserve(twin, world.member('other')),
  ];
  const [a, b] = [payer.entries.at(-1)!.bytes, twin.entries.at(-1)!.bytes];
  const proof = equivocationOf({ id: one.entry.id, bytes: a }, { id: two.entry.id, bytes: b });
  const sizeBytes = encodeCanonical(proof).length;
  expect(sizeBytes - proof.a.length - proof.b.length).toBeLessThan(64);
  expect(sizeBytes).toBeLessThan(1_536);
});

describe('a reference that lies about where its entry stands', () => {
  it('is void on every node, whether or not it knows the entry under its true place', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const liar = await forger(world, 'liar');
    const reservation = await world.reserve(world.founder, host);
    const done = await world.work(reservation);
    const proposal = await world.write(
      host,
      { kind: 'settlement.proposed', reservation: reservation.entry.id, settlement: done.settlement },
      [{ author: liar.member.nodeId, seq: liar.seq + 7, id: reservation.entry.id }],
      { kind: 'proposal', settlement: done.opened },
    );
    const folds = inEveryOrder(world, [
      giving(reservation),
      giving(proposal),
      giving(liar.one),
      banning(liar.member.nodeId, liar.seq),
    ]);
    expect(digests(folds).size).toBe(1);
    expect(folds[0]!.fold.state.refusals.map(({ rule }) => rule)).toEqual(['reference_missing']);
  });

  it('stops the log in which it stands and no other', async () => {
    const world = await createEconomyWorld();
    const [host, stuck] = [world.member('host'), world.member('stuck')];
    const reservation = await world.reserve(world.founder, host);
    await world.write(stuck, { kind: 'contribution.decided', on: true }, [
      { author: host.nodeId, seq: 999, id: reservation.entry.id },
    ]);
    await world.write(stuck, { kind: 'contribution.decided', on: false });
    const done = await world.work(reservation);
    await world.propose(host, reservation, done);
    const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done });
    await world.write(host, event, refs, inside);
    const { fold, give } = createFoldFeeder(world.community);
    for (const member of world.members) for (const { entry } of member.entries) give(entry);
    expect(fold.lengthOf(stuck.nodeId)).toBe(0);
    expect(fold.state.balanceOf(host.nodeId).confirmedMicros).toBe(80_000);
    // Whoever was offered an entry that waits says the same of everything as whoever was not.
    const without = createFoldFeeder(world.community);
    for (const member of world.members)
      if (member !== stuck) for (const { entry } of member.entries) without.give(entry);
    expect(without.fold.state.digest()).toBe(fold.state.digest());
  });
});

describe('what witnesses certified', () => {
  it('counts the same whether the fork of its payer is known before or after', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const roster = await world.nameWitnesses(
      [world.founder, ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(world.member)].map(({ nodeId, name }) => ({
        node: nodeId,
        branch: name,
      })),
      1,
    );
    const before = world.founder.entries.length;
    const payer = world.founder;
    const reservation = await world.reserve(payer, host, { roster });
    const other = await world.reserve(world.twinOf(payer, before), world.member('other'), { roster });
    const done = await world.work(reservation);
    const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done });
    const closing = await world.write(host, event, refs, inside);
    const folds = inEveryOrder(world, [
      giving(roster),
      giving(reservation),
      giving(other),
      giving(closing),
      banning(payer.nodeId, before),
    ]);
    expect(digests(folds).size).toBe(1);
    expect(folds[0]!.fold.state.balanceOf(host.nodeId).confirmedMicros).toBe(80_000);
    expect(folds[0]!.fold.state.refusals).toEqual([]);
  });

  it('is not judged before the roster is known whose members signed, nor without naming it', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'payer'];
    const roster = await world.nameWitnesses(
      names.map((name) => ({ node: world.member(name).nodeId, branch: name })),
      1,
    );
    const payer = world.member('payer');
    await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
    const reservation = await world.reserve(payer, host, { roster });
    const done = await world.work(reservation);
    const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done });
    const silent = await world.write(world.member('silent'), event, [], inside);
    const closing = await world.write(host, event, refs, inside);
    const folds = inEveryOrder(world, [
      giving(silent),
      giving(closing),
      giving(...world.founder.entries),
      banning(payer.nodeId, 0),
    ]);
    expect(digests(folds).size).toBe(1);
    expect(folds[0]!.fold.state.balanceOf(host.nodeId).confirmedMicros).toBe(80_000);
    expect(folds[0]!.fold.state.refusals.map(({ author, rule }) => [author, rule])).toEqual([
      [silent.entry.author, 'reference_missing'],
    ]);
  });

  /**
   * A payer signs a reservation that refers to an entry of a friend, claims to be older than it, and spends the same credit
   * again. Were the first one refused for that lie, it would begin to count, and the second one would not, as soon as the friend signs
   * two histories and its entries are void.
   */
  it('cannot be taken back by a friend of the payer who signs two histories', async () => {
    const world = await createEconomyWorld();
    const [payer, host, friend] = [world.member('payer'), world.member('host'), world.member('friend')];
    await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
    friend.head = { ...friend.head, lamport: 1_000 };
    const young = await world.write(friend, { kind: 'credit.granted', to: host.nodeId, amountMicros: 1, invite: null });
    const plain = await world.reserve(world.twinOf(payer, payer.entries.length), host, { amountMicros: credits(5) });
    const older = await world.write(payer, plain.entry.event, [world.refTo(young)]);
    const second = await world.reserve(payer, host, { amountMicros: credits(5) });
    const fork = await world.write(world.twinOf(friend, 0), { kind: 'contribution.decided', on: true });
    const feeder = createFoldFeeder(world.community);
    giving(...world.founder.entries, ...payer.entries, young)(feeder);
    const accepted = () => [...feeder.fold.state.reservationsById.keys()];
    const [account, before] = [feeder.fold.state.accountOf(payer.nodeId), accepted()];
    expect(before).toEqual([older.entry.id]);
    expect(feeder.fold.state.refusals.map(({ entry, rule }) => [entry, rule])).toContainEqual([
      second.entry.id,
      'overdraft',
    ]);
    giving(fork)(feeder);
    expect(feeder.refolds).toBe(1);
    expect(feeder.fold.state.accountOf(payer.nodeId)).toEqual(account);
    expect(accepted()).toEqual(before);
  });

  it('of a bond stays, though whoever wrote the ruling signs two histories afterwards', async () => {
    const world = await createEconomyWorld();
    const [host, challenger] = [world.member('host'), world.member('challenger')];
    await world.claim(challenger, await world.grant(world.founder, challenger, credits(5)));
    const reservation = await world.reserve(world.founder, host);
    const done = await world.work(reservation);
    const proposal = await world.propose(host, reservation, done);
    const stake = await world.bond(challenger, reservation, done.opened.receipt.chargeMicros);
    const raised = await world.challenge(challenger, proposal, reservation, done, stake);
    const panel = world.panelOf(challenger, reservation, done);
    const said = await Promise.all(panel.map((one) => world.verdict(one, reservation, done, 'accepted')));
    const clerk = panel[0]!;
    const twin = world.twinOf(clerk, 0);
    await world.rule(clerk, raised, said);
    const { event, refs, inside } = await world.close(stake, { outcome: 'settled' });
    const lost = await world.write(host, event, refs, inside);
    const fork = await world.write(twin, { kind: 'contribution.decided', on: true });
    const folds = inEveryOrder(world, [
      giving(...world.founder.entries, ...challenger.entries, proposal),
      giving(...clerk.entries),
      giving(lost),
      giving(fork),
    ]);
    expect(digests(folds).size).toBe(1);
    expect([...folds[0]!.fold.state.rulings]).toEqual([]);
    expect(folds[0]!.fold.state.balanceOf(host.nodeId).confirmedMicros).toBe(stake.entry.event.amountMicros);
  });

  it('says who is paid for finding work wrong: other verdicts with the same certificate are refused', async () => {
    const world = await createEconomyWorld();
    const host = world.member('host');
    const reservation = await world.reserve(world.founder, host);
    const done = await world.work(reservation);
    const by = (...names: string[]) =>
      Promise.all(names.map((name) => world.verdict(world.member(name), reservation, done)));
    const honest = await world.close(reservation, { outcome: 'void', reasons: await by('v0', 'v1') });
    const closed = honest.event.closed.map((signed, at) => ({
      signed,
      id: '',
      by: honest.inside.kind === 'closing' ? honest.inside.closed[at]!.witness : '',
      body: honest.inside.kind === 'closing' ? honest.inside.closed[at]!.statement : (undefined as never),
    }));
    const stolen = await world.close(reservation, { outcome: 'void', reasons: await by('friend', 'friend-2'), closed });
    await world.write(world.member('v0'), honest.event, honest.refs, honest.inside);
    await world.write(world.member('friend'), stolen.event, stolen.refs, stolen.inside);
    const { fold, give } = createFoldFeeder(world.community);
    for (const member of world.members) for (const { entry } of member.entries) give(entry);
    expect(fold.state.refusals.map(({ rule }) => rule)).toEqual(['outcome_not_witnessed']);
    expect(fold.state.accountOf(world.member('friend').nodeId).earnedMicros).toBe(0);
    expect(fold.state.accountOf(world.member('v0').nodeId).earnedMicros).toBe(1_000);
  });
});

describe('whoever claims the last Lamport time there is', () => {
  it('stops no log but its own', async () => {
    const world = await createEconomyWorld();
    const draft = { community: world.community.id, event: { kind: 'contribution.decided', on: true } as const, at: 0 };
    const liar = await signEntry(world.member('liar').signer, { id: null, length: 0, lamport: MAX_LAMPORT - 1 }, draft);
    const { fold } = createFoldFeeder(world.community);
    const opened = unwrap(await openEntry(ledgerEventSchema, liar.bytes, world.verify));
    fold.add({ ...opened, inside: { kind: 'plain' } } as OpenedEntry);
    expect(fold.state.maxLamport).toBe(MAX_LAMPORT);
    const honest = await signEntry(world.founder.signer, EMPTY_HEAD, { ...draft, seenLamport: fold.state.maxLamport });
    expect(honest.entry.lamport).toBe(1);
    const followed = await signEntry(world.founder.signer, honest.head, { ...draft, seenLamport: MAX_LAMPORT / 2 - 1 });
    expect(followed.entry.lamport).toBe(MAX_LAMPORT / 2);
    const after = await signEntry(world.founder.signer, followed.head, {
      ...draft,
      seenLamport: followed.entry.lamport,
    });
    expect(after.entry.lamport).toBe(MAX_LAMPORT / 2 + 1);
    for (const { bytes } of [honest, followed, after])
      expect((await openEntry(ledgerEventSchema, bytes, world.verify)).ok).toBe(true);
    const beyond = await signEntry(world.member('liar').signer, liar.head, draft);
    expect(await openEntry(ledgerEventSchema, beyond.bytes, world.verify)).toMatchObject({
      error: { code: 'malformed' },
    });
  });
});

describe('who is drawn', () => {
  const names = Array.from({ length: 40 }, (_, at) => `n${at}`);
  const rosterOf = (world: EconomyWorld) =>
    names.map((name) => ({ node: world.member(name).nodeId, branch: `branch-${name}` }));

  it('as a witness cannot be chosen by trying keys: who was not there when the roster was named gets the manifest’s', async () => {
    const world = await createEconomyWorld();
    const named = { id: world.community.id, roster: { epoch: 1, eligible: rosterOf(world) } };
    for (let key = 0; key < 200; key++) {
      const { witnesses } = witnessesFor(world.member(`fresh-${key}`).nodeId, world.policy, named);
      expect(witnesses).toEqual(world.policy.witnesses);
    }
    const drawn = witnessesFor(world.member('n0').nodeId, world.policy, named);
    expect(drawn.witnesses).toHaveLength(7);
    expect(drawn.quorum).toBe(5);
    // Another naming of the same members draws others, so no key is good for ever.
    const again = witnessesFor(world.member('n0').nodeId, world.policy, { ...named, id: world.founder.nodeId });
    expect(again.witnesses).not.toEqual(drawn.witnesses);
  });

  it('for a panel hangs on both sides, and not on how a challenge is worded', async () => {
    const world = await createEconomyWorld();
    const roster = { epoch: 1, eligible: rosterOf(world) };
    const panel = (settlement: string, challenger: string) =>
      panelFor({ settlement, challenger: world.member(challenger).nodeId }, world.policy, roster, new Set());
    expect(panel('one', 'alice')).toHaveLength(3);
    expect(panel('one', 'alice')).not.toEqual(panel('one', 'bob'));
    expect(panel('one', 'alice')).not.toEqual(panel('two', 'alice'));
  });

  it('from two rosters at one time never signs: the new one waits until everybody knows it, and between them nobody does', async () => {
    const world = await createEconomyWorld();
    const { fold, give } = createFoldFeeder(world.community);
    const first = await world.nameWitnesses(rosterOf(world), 1);
    const firstAt = world.nowMs;
    world.nowMs += 10 * HANDOVER_MS;
    const second = await world.nameWitnesses(rosterOf(world), 2);
    const at = world.nowMs + HANDOVER_MS;
    const host = world.member('host');
    const amountMicros = 1;
    const made = {
      none: await world.reserve(world.founder, host, { amountMicros }),
      first: await world.reserve(world.founder, host, { amountMicros, roster: first }),
      second: await world.reserve(world.founder, host, { amountMicros, roster: second }),
    };
    for (const member of world.members) for (const { entry } of member.entries) give(entry);
    const { state } = fold;
    expect(state.refusals).toEqual([]);
    expect(rosterInForce(state, firstAt + HANDOVER_MS - 1)).toBe(null);
    expect(rosterInForce(state, firstAt + HANDOVER_MS)).toBe(first.entry.id);
    expect(rosterInForce(state, at - 1)).toBe(first.entry.id);
    expect(rosterInForce(state, at)).toBe(second.entry.id);
    const signs = (which: keyof typeof made, nowMs: number): boolean =>
      mayWitnessHead(state, { author: world.founder.nodeId, entry: made[which].entry.id }, nowMs).ok;
    for (const [nowMs, who] of [
      [firstAt + HANDOVER_MS - HANDOVER_GAP_MS - 1, 'none'],
      [firstAt + HANDOVER_MS - HANDOVER_GAP_MS, null],
      [firstAt + HANDOVER_MS - 1, null],
      [firstAt + HANDOVER_MS, 'first'],
      [at - HANDOVER_GAP_MS - 1, 'first'],
      [at - HANDOVER_GAP_MS, null],
      [at, 'second'],
    ] as const) {
      expect((['none', 'first', 'second'] as const).filter((which) => signs(which, nowMs))).toEqual(who ? [who] : []);
    }
  });
});
