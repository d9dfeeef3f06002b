import { beforeAll, expect, test } from 'vitest';
import {
  createEconomyWorld,
  credits,
  type AnyWritten,
  type EconomyWorld,
  type Member,
} from '#tests/fakes/economy-world';
import { createFoldFeeder } from '#tests/fakes/fold-feeder';
import { shuffled } from '#tests/fakes/shuffled';
import { createDraws } from '#tests/simulation/checking/answers';
import { decodeCanonical, encodeCanonical } from '../base/canonical';
import { unwrap } from '../base/result';
import { createLedgerFold, type FoldSnapshot, type LedgerFold } from './fold';
import { joinSnapshots } from './join-snapshots';

const JOBS = 4;
const ORDERS = 10;

let world: EconomyWorld;
let entries: readonly AnyWritten[];
let expected: LedgerFold;

/** Jobs that three looked at, one of them with two histories: each closed twice, with receipts that are given twice, early, or say something else. */
beforeAll(async () => {
  world = await createEconomyWorld();
  const [payer, host] = [world.member('payer'), world.member('host')];
  const [first, second, third] = ['first', 'second', 'third'].map(world.member) as [Member, Member, Member];
  const writers = [world.founder, payer, host, first, second, third];
  await world.claim(payer, await world.grant(world.founder, payer, credits(20)));
  for (let at = 0; at < JOBS; at++) {
    const reservation = await world.reserve(payer, host);
    const done = await world.work(reservation, { verifiers: [first, second, third] });
    await world.propose(host, reservation, done);
    const closing = await world.close(reservation, { outcome: 'settled', work: done });
    const fewer = (await world.heads(reservation)).slice(0, -1);
    const other = await world.close(reservation, { outcome: 'settled', work: done, heads: fewer });
    await world.write(payer, closing.event, closing.refs, closing.inside);
    await world.write(host, other.event, other.refs, other.inside);
    await world.receiptForLooking(first, { done, closing });
    await world.receiptForLooking(first, { done, closing });
    await world.receiptForLooking(second, { done, closing: other }, { at });
    await world.receiptForLooking(second, { done, closing });
    await world.receiptForLooking(third, { done, closing }, at % 2 === 1 ? { paidMicros: 1 } : {});
    if (at === 1) {
      const twin = world.twinOf(third, third.entries.length - 1);
      await world.receiptForLooking(twin, { done, closing }, { at: 5 });
      writers.push(twin);
    }
    const rejected = await world.reserve(payer, host);
    const reasons = [await world.verdict(first, rejected, null), await world.verdict(second, rejected, null)];
    const voided = await world.close(rejected, { outcome: 'void', reasons });
    for (const one of [first, second, third]) await world.write(one, voided.event, voided.refs, voided.inside);
  }
  // A twin shares what it wrote before it split.
  entries = [...new Map(writers.flatMap((one) => one.entries).map((one) => [one.entry.id, one])).values()];
  const feeder = createFoldFeeder(world.community);
  for (const { entry } of entries) feeder.give(entry);
  expected = feeder.fold;
});

test('what is kept of looks and their receipts is of every kind: receipts that stand, some refused, somebody with two histories', () => {
  expect(expected.state.verifications.size).toBeGreaterThan(4);
  expect(expected.state.refusals.length).toBeGreaterThan(4);
  expect(expected.state.bannedFrom.size).toBe(1);
});

test.each(Array.from({ length: ORDERS }, (_, index) => index + 1))(
  'order %i: entries that come twice, a fold that was kept and gone on with, and restarts end in the same state',
  (seed) => {
    const draws = createDraws(seed);
    const feeder = createFoldFeeder(world.community);
    let [base, refolds] = [feeder.fold.snapshot(), 0];
    feeder.fold.takeChanges();
    let changes: FoldSnapshot[] = [];
    for (const { entry } of shuffled([...entries, ...entries], draws)) {
      feeder.give(entry);
      if (feeder.refolds > refolds) {
        [base, refolds, changes] = [feeder.fold.snapshot(), feeder.refolds, []];
        feeder.fold.takeChanges();
      } else if (draws.below(5) === 0) changes.push(feeder.fold.takeChanges());
    }
    expect(feeder.fold.state.digest()).toBe(expected.state.digest());
    const joined = joinSnapshots(base, [...changes, feeder.fold.takeChanges()]);
    expect(encodeCanonical(joined)).toEqual(encodeCanonical(feeder.fold.snapshot()));
    const kept = unwrap(decodeCanonical(encodeCanonical(joined))) as FoldSnapshot;
    const restored = createLedgerFold(world.community, kept);
    expect(restored.state.digest()).toBe(expected.state.digest());
    for (const { nodeId } of world.members)
      expect(restored.state.unreceiptedLooksOf(nodeId)).toEqual(expected.state.unreceiptedLooksOf(nodeId));

    const restarting = createFoldFeeder(world.community);
    for (const { entry } of shuffled(entries, draws)) {
      restarting.give(entry);
      if (draws.below(6) === 0) restarting.restart();
    }
    expect(restarting.fold.state.digest()).toBe(expected.state.digest());
  },
);
