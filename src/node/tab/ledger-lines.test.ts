import { beforeAll, describe, expect, test } from 'vitest';
import type { LedgerState } from '#core/ledger/ledger-state';
import { createEconomyWorld, credits, type EconomyWorld, type Member } from '#tests/fakes/economy-world';
import { createFoldFeeder } from '#tests/fakes/fold-feeder';
import type { LedgerLine } from './ledger-desk-views';
import { ledgerLines } from './ledger-lines';

const MINUTE_MS = 60_000;

let world: EconomyWorld;
let payer: Member;
let host: Member;
let checker: Member;
/** Ids of what was reserved, by how it went. */
const ids: Record<string, string> = {};

function stateNow(): LedgerState {
  const feeder = createFoldFeeder(world.community);
  for (const { entries } of world.members) for (const { entry } of entries) feeder.give(entry);
  return feeder.fold.state;
}

const PROPOSED_AT = 1_800_000_500_000;

const linesOf = (self: Member, proposedAt: number | null = PROPOSED_AT): readonly LedgerLine[] =>
  ledgerLines({ state: stateNow(), self: self.nodeId, policy: world.policy, proposedAt: () => proposedAt });

const lineOf = (self: Member, name: string): LedgerLine | undefined => linesOf(self).find(({ id }) => id === ids[name]);

beforeAll(async () => {
  world = await createEconomyWorld();
  [payer, host, checker] = ['payer', 'host', 'v0'].map((name) => world.member(name)) as [Member, Member, Member];
  const grant = await world.grant(world.founder, payer, credits(5));
  ids['grant'] = grant.entry.id;
  await world.claim(payer, grant);
  ids['unclaimed'] = (await world.grant(world.founder, host, credits(2))).entry.id;

  async function begin(name: string) {
    world.nowMs += MINUTE_MS;
    const reservation = await world.reserve(payer, host);
    ids[name] = reservation.entry.id;
    return reservation;
  }
  const settled = await begin('settled');
  const done = await world.work(settled);
  await world.propose(host, settled, done);
  const closing = await world.close(settled, { outcome: 'settled', work: done });
  for (const one of [payer, host, checker]) await world.write(one, closing.event, closing.refs, closing.inside);

  const released = await begin('released');
  const end = await world.close(released, { outcome: 'released' });
  await world.write(payer, end.event, end.refs, end.inside);

  const waiting = await begin('waiting');
  await world.propose(host, waiting, await world.work(waiting));
  await begin('reserved');

  // Challenged by who pays; the work of what was ruled on is not closed yet, the bonds are.
  for (const [name, found] of Object.entries({ contested: null, wrong: 'rejected', right: 'accepted' } as const)) {
    const work = await begin(name);
    const given = await world.work(work);
    const proposal = await world.propose(host, work, given);
    const stake = await world.bond(payer, work, given.opened.receipt.chargeMicros);
    ids[`bond of ${name}`] = stake.entry.id;
    const raised = await world.challenge(payer, proposal, work, given, stake);
    if (found === null) continue;
    const panel = world.panelOf(payer, work, given);
    await world.rule(payer, raised, await Promise.all(panel.map((one) => world.verdict(one, work, given, found))));
    const over = await world.close(stake, { outcome: found === 'rejected' ? 'released' : 'settled' });
    await world.write(found === 'rejected' ? payer : host, over.event, over.refs, over.inside);
  }
});

describe('lines of what was earned and spent', () => {
  test('one settlement is a line for who pays, who worked and who checked, together exactly the charge', () => {
    const [paid, earned, checked] = [payer, host, checker].map((self) => lineOf(self, 'settled')!);
    expect([paid!.kind, earned!.kind, checked!.kind]).toEqual(['paid', 'earned', 'checked']);
    expect([paid!.with, earned!.with, checked!.with]).toEqual([host.nodeId, payer.nodeId, host.nodeId]);
    // Two checked, each the same.
    expect(paid!.amountMicros + earned!.amountMicros + 2 * checked!.amountMicros).toBe(0);
    expect(paid).toMatchObject({ state: 'settled', atMost: false, until: null });
  });

  test('what is only reserved says so much at most, and until when', () => {
    const state = stateNow();
    expect(lineOf(payer, 'reserved')).toMatchObject({
      state: 'reserved',
      amountMicros: -credits(0.5),
      atMost: true,
      until: state.reservationsById.get(ids['reserved']!)!.expiresAt,
    });
    expect(lineOf(checker, 'reserved')).toBeUndefined();
  });

  test('what is proposed waits for the end of its window, with the charge that is known', () => {
    const charge = -lineOf(payer, 'settled')!.amountMicros;
    expect(lineOf(payer, 'waiting')).toMatchObject({
      state: 'waiting',
      amountMicros: -charge,
      atMost: false,
      until: PROPOSED_AT + 600_000,
    });
    expect(lineOf(checker, 'waiting')).toMatchObject({ kind: 'checked', state: 'waiting' });
    expect(linesOf(payer, null).find(({ id }) => id === ids['waiting'])!.until).toBeNull();
  });

  test('what was released cost nothing', () => {
    expect(lineOf(payer, 'released')).toMatchObject({ state: 'released', amountMicros: 0 });
  });

  test('a challenge is told to both sides until a panel ruled, and then what it found', () => {
    for (const [name, challenge] of [
      ['contested', 'open'],
      ['wrong', 'upheld'],
      ['right', 'dismissed'],
      ['waiting', null],
    ] as const)
      for (const self of [payer, host, checker])
        expect(lineOf(self, name)).toMatchObject({ state: 'waiting', challenge });
  });

  test('a bond goes back to whoever was right, and only who has or gets it sees it', () => {
    expect(lineOf(payer, 'bond of contested')).toMatchObject({ kind: 'bond', state: 'reserved', challenge: 'open' });
    const back = { kind: 'bond', state: 'released', challenge: 'upheld', amountMicros: 0 };
    expect(lineOf(payer, 'bond of wrong')).toMatchObject(back);
    const [lost, won] = [payer, host].map((self) => lineOf(self, 'bond of right')!);
    expect(lost).toMatchObject({ kind: 'bond', state: 'settled', challenge: 'dismissed', with: host.nodeId });
    expect(won).toMatchObject({ kind: 'bond', state: 'settled', challenge: 'dismissed', with: payer.nodeId });
    expect(lost!.amountMicros).toBeLessThan(0);
    expect(lost!.amountMicros + won!.amountMicros).toBe(0);
    for (const name of ['contested', 'wrong']) expect(lineOf(host, `bond of ${name}`)).toBeUndefined();
    expect(lineOf(checker, 'bond of right')).toBeUndefined();
  });

  test('a grant moves the limits of both sides, and counts from its claim on', () => {
    expect(lineOf(payer, 'grant')).toMatchObject({ kind: 'received', state: 'claimed', amountMicros: credits(5) });
    expect(lineOf(world.founder, 'grant')).toMatchObject({ kind: 'granted', amountMicros: -credits(5) });
    expect(lineOf(host, 'unclaimed')).toMatchObject({ kind: 'received', state: 'given' });
  });

  test('the newest comes first, and nobody sees what it has no part in', () => {
    const ats = linesOf(payer).map(({ at }) => at);
    expect(ats).toEqual([...ats].sort((a, b) => b - a));
    expect(linesOf(world.member('stranger'))).toEqual([]);
  });

  test('what is final adds up to the confirmed balance', () => {
    const state = stateNow();
    for (const self of [payer, host, checker]) {
      const sum = linesOf(self)
        .filter((line) => line.state === 'settled')
        .reduce((total, { amountMicros }) => total + amountMicros, 0);
      expect(sum).toBe(state.balanceOf(self.nodeId).confirmedMicros);
    }
  });
});
