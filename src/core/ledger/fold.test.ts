import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../base/bytes';
import { decodeCanonical, encodeCanonical } from '../base/canonical';
import { unwrap } from '../base/result';
import { createDraws } from '#tests/simulation/checking/answers';
import { walk, type Step, type Walk } from '#tests/fakes/economy-walk';
import { createEconomyWorld, credits, type AnyWritten } from '#tests/fakes/economy-world';
import { shuffled } from '#tests/fakes/shuffled';
import { createFoldFeeder, type FoldFeeder } from '#tests/fakes/fold-feeder';
import { createLedgerFold, type FoldSnapshot } from './fold';
import { joinSnapshots } from './join-snapshots';
import { openLedgerEntry } from './open-event';
import { packPlain, unpackPlain } from './pack-plain';

const number = fc.nat({ max: 0x7fff_ffff });
const stepsOf = (minLength: number, maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.tuple(number, number, number, number), { minLength, maxLength });
const steps = stepsOf(25, 50);
/** Long enough that some of the work that is tried at random comes to be paid. */
const manySteps = stepsOf(60, 90);

const feed = (walked: Walk, entries: readonly AnyWritten[]): FoldFeeder => {
  const feeder = createFoldFeeder(walked.world.community);
  for (const { entry } of entries) feeder.give(entry);
  return feeder;
};

const sumOf = ({ fold: { state } }: FoldFeeder): number =>
  state.accountHolders.reduce((sum, node) => sum + state.balanceOf(node).confirmedMicros, 0);

describe('whatever a few agents try', () => {
  it('gives the same state in any order, with entries twice, in parts that meet late, and over restarts', async () => {
    let [closings, bans, refusals] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (tried, seed) => {
        const walked = await walk(tried);
        const draws = createDraws(seed);
        const { entries } = walked;
        const expected = feed(walked, entries);
        const digest = expected.fold.state.digest();
        closings += expected.fold.state.closingByReservation.size;
        bans += expected.fold.state.bannedFrom.size;
        refusals += expected.fold.state.refusals.length;

        expect(feed(walked, shuffled([...entries, ...entries], draws)).fold.state.digest()).toBe(digest);
        // Two parts of the network that know each other's logs only afterwards.
        const parts = shuffled(entries, draws);
        const [left, right] = [parts.slice(0, parts.length / 2), parts.slice(parts.length / 2)];
        for (const [first, second] of [
          [left, right],
          [right, left],
        ] as const)
          expect(feed(walked, [...first, ...second]).fold.state.digest()).toBe(digest);
        // Proofs of forks before anything else, and a restart now and then.
        const restarting = createFoldFeeder(walked.world.community);
        for (const [author, seq] of expected.fold.state.bannedFrom) restarting.ban(author, seq);
        for (const { entry } of shuffled(entries, draws)) {
          restarting.give(entry);
          if (draws.below(20) === 0) restarting.restart();
        }
        expect(restarting.fold.state.digest()).toBe(digest);
      }),
      { numRuns: 20, seed: 20 },
    );
    // Not by doing nothing.
    expect(Math.min(closings, bans, refusals)).toBeGreaterThan(0);
  });

  it('makes no money: all balances come to what was minted, after every single entry', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (tried, seed) => {
        const walked = await walk(tried);
        const feeder = createFoldFeeder(walked.world.community);
        for (const { entry } of shuffled(walked.entries, createDraws(seed))) {
          feeder.give(entry);
          expect(sumOf(feeder)).toBe(feeder.fold.state.supplyMicros);
        }
      }),
      { numRuns: 6, seed: 6 },
    );
  });

  it('leaves nobody below its limit, forger or not, as long as one witness of four lies', async () => {
    let spent = 0;
    await fc.assert(
      fc.asyncProperty(manySteps, async (tried) => {
        const walked = await walk(tried);
        const { world, forkers, logs, minted } = walked;
        const { state } = feed(walked, walked.entries).fold;
        let limits = 0;
        for (const node of state.accountHolders) {
          const { confirmedMicros, availableMicros, limitMicros } = state.balanceOf(node);
          spent += Math.max(0, -confirmedMicros);
          limits += limitMicros;
          expect(availableMicros).toBeGreaterThanOrEqual(0);
          if (!forkers.has(node)) expect(confirmedMicros).toBeGreaterThanOrEqual(-limitMicros);
        }
        // Limits are handed on, never made.
        expect(limits).toBeLessThanOrEqual(world.policy.founderLimitMicros);
        for (const node of forkers) {
          // What it could owe by the more generous of its histories; what was minted into a log that is void counts no more.
          const most = Math.max(
            ...logs.flatMap((log) => {
              if (log.nodeId !== node) return [];
              const others = logs.filter((other) => other.nodeId !== node);
              const alone = feed(
                walked,
                [...others, log].flatMap(({ entries }) => entries),
              ).fold.state;
              return [alone.accountOf(node).limitMicros - alone.accountOf(node).carvedMicros];
            }),
          );
          expect(state.balanceOf(node).confirmedMicros).toBeGreaterThanOrEqual(-(most + (minted.get(node) ?? 0)));
        }
      }),
      { numRuns: 40, seed: 40 },
    );
    expect(spent).toBeGreaterThan(0);
  });
});

describe('a snapshot', () => {
  let joinedOften = 0;
  it('goes on exactly as the fold that it was taken from, wherever it is taken, and survives its bytes', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (tried, at) => {
        const walked = await walk(tried);
        const whole = feed(walked, walked.entries);
        const cut = at % walked.entries.length;
        const first = feed(walked, walked.entries.slice(0, cut)).fold;
        const bytes = encodeCanonical(first.snapshot());
        const restored = createLedgerFold(walked.world.community, unwrap(decodeCanonical(bytes)) as never);
        expect(restored.state.digest()).toBe(first.state.digest());
        expect(equalBytes(encodeCanonical(restored.snapshot()), bytes)).toBe(true);
        for (const node of first.state.accountHolders) {
          expect(restored.state.balanceOf(node)).toEqual(first.state.balanceOf(node));
          expect(restored.state.unclaimedBy(node)).toEqual(first.state.unclaimedBy(node));
        }
        expect(restored.state.accountHolders).toEqual(first.state.accountHolders);
        expect(whole.fold.state.supplyMicros).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 6, seed: 6 },
    );
  });

  it('and the changes taken after it are together the snapshot of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), fc.integer({ min: 1, max: 20 }), async (tried, at, every) => {
        const walked = await walk(tried);
        const cut = at % walked.entries.length;
        const feeder = feed(walked, walked.entries.slice(0, cut));
        let [first, refolds] = [feeder.fold.snapshot(), feeder.refolds];
        feeder.fold.takeChanges();
        const changes: FoldSnapshot[] = [];
        for (const [index, { entry }] of walked.entries.slice(cut).entries()) {
          feeder.give(entry);
          if (feeder.refolds > refolds) {
            // A fold that begins anew is kept anew.
            [first, refolds] = [feeder.fold.snapshot(), feeder.refolds];
            feeder.fold.takeChanges();
            changes.splice(0);
          } else if (index % every === 0) changes.push(feeder.fold.takeChanges());
        }
        changes.push(feeder.fold.takeChanges());
        const joined = joinSnapshots(first, unwrap(unpackPlain(packPlain(changes))) as FoldSnapshot[]);
        expect(equalBytes(encodeCanonical(joined), encodeCanonical(feeder.fold.snapshot()))).toBe(true);
        joinedOften += changes.length;
      }),
      { numRuns: 8, seed: 8 },
    );
    expect(joinedOften).toBeGreaterThan(20);
  });
});

describe('rulings in the order in which they came', () => {
  it('grow by a first ruling and by one that turns it, and by no other; a snapshot has each once', async () => {
    const world = await createEconomyWorld();
    const [payer, host, clerk] = [world.member('payer'), world.member('host'), world.member('clerk')];
    await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
    const reservation = await world.reserve(payer, host);
    const done = await world.work(reservation);
    const proposal = await world.propose(host, reservation, done);
    const stake = await world.bond(payer, reservation, done.opened.receipt.chargeMicros);
    const raised = await world.challenge(payer, proposal, reservation, done, stake);
    const panel = world.panelOf(payer, reservation, done);
    const feeder = createFoldFeeder(world.community);
    for (const { entries } of world.members) for (const { entry } of entries) feeder.give(entry);
    for (const { entries } of world.members) for (const { entry } of entries) feeder.give(entry);
    const grown: number[] = [];
    for (const found of ['accepted', 'accepted', 'rejected', 'accepted', 'rejected'] as const) {
      const said = await Promise.all(panel.map((one) => world.verdict(one, reservation, done, found)));
      feeder.give((await world.rule(clerk, raised, said)).entry);
      grown.push(feeder.fold.state.ruledInTurn.length);
    }
    expect(grown).toEqual([1, 1, 2, 2, 2]);
    feeder.restart();
    expect(feeder.fold.state.ruledInTurn).toEqual([raised.entry.id]);
    expect(feeder.fold.state.rulings.get(raised.entry.id)).toBe('upheld');
  });
});

describe('entries as they are stored', () => {
  it('open to exactly what the fold was given, with real signatures', async () => {
    const world = await createEconomyWorld({ realSignatures: true, witnesses: ['w0'], curators: ['c0'] });
    const [host, payer] = [world.member('host'), world.founder];
    const newcomer = world.member('newcomer');
    const published = await world.offer(host);
    await world.write(host, { kind: 'offer.published', offer: published.signed });
    await world.claim(newcomer, await world.grant(payer, newcomer, credits(5)));
    await world.nameWitnesses([], 1);
    const reservation = await world.reserve(payer, host, { offer: published });
    const done = await world.work(reservation);
    const proposal = await world.propose(host, reservation, done);
    const stake = await world.bond(newcomer, reservation, done.opened.receipt.chargeMicros);
    const raised = await world.challenge(newcomer, proposal, reservation, done, stake);
    const panel = world.panelOf(newcomer, reservation, done);
    const said = await Promise.all(panel.map((one) => world.verdict(one, reservation, done, 'accepted')));
    await world.rule(panel[0]!, raised, said);
    for (const prepared of [
      await world.close(reservation, { outcome: 'settled', work: done }),
      await world.close(stake, { outcome: 'settled' }),
      await world.close(reservation, {
        outcome: 'void',
        reasons: await Promise.all(['v0', 'v1'].map((name) => world.verdict(world.member(name), reservation, done))),
      }),
    ])
      await world.write(host, prepared.event, prepared.refs, prepared.inside);
    for (const member of world.members)
      for (const { entry, bytes } of member.entries)
        expect(unwrap(await openLedgerEntry(bytes, world.verify))).toEqual(entry);
  });

  it('are the same bytes for the same event, whatever order its members were given in', async () => {
    const [one, two] = [await createEconomyWorld(), await createEconomyWorld()];
    const event = { kind: 'credit.granted', to: one.founder.nodeId, amountMicros: 1, invite: null } as const;
    const turned = { invite: null, amountMicros: 1, to: one.founder.nodeId, kind: 'credit.granted' } as const;
    const written = [await one.write(one.member('a'), event), await two.write(two.member('a'), turned)];
    expect(written[0]!.bytes).toEqual(written[1]!.bytes);
  });
});
