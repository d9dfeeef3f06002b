import { expect, test } from 'vitest';
import { createMemory } from '#adapters/storage-memory';
import { unwrap } from '#core/base/result';
import type { LedgerEvent } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { createEconomyWorld, credits } from '#tests/fakes/economy-world';
import { createFoldFeeder } from '#tests/fakes/fold-feeder';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createPayee } from './payee';
import type { Certificate, Witnessing } from './witnessing';

/** Longer than any window of a small charge. */
const HOUR_MS = 60 * 60_000;

/** A host whose work was accepted and stands proposed in its log: what it keeps of that, and what it asks witnesses and writes. */
async function owedHost() {
  const world = await createEconomyWorld();
  const [payer, host] = [world.member('payer'), world.member('host')];
  await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
  const reservation = await world.reserve(payer, host);
  const done = await world.work(reservation);
  await world.propose(host, reservation, done);
  const feeder = createFoldFeeder(world.community);
  for (const { entries } of world.members) for (const { entry } of entries) feeder.give(entry);

  const clock = createVirtualClock();
  const { records } = createMemory().open();
  const key = `payee/${world.community.id}/${payer.nodeId}/${reservation.entry.event.jobId}`;
  const { offer, commitment, receipt } = done.settlement;
  const kept = await records.set(key, {
    v: 1,
    reservation: reservation.entry.id,
    entry: reservation.bytes,
    heads: [],
    jobId: reservation.entry.event.jobId,
    payer: payer.nodeId,
    offer,
    commitment,
    receipt,
    work: {
      inputTokens: 1,
      outputTokens: 1,
      wallTimeMs: 1,
      startedAt: 0,
      completedAt: 1,
      expert: null,
      capability: 'llm.chat@1',
      traceId: 'trace',
    },
    settlement: done.settlement,
    proposed: [],
    proposedAt: null,
  });
  unwrap(kept);

  const asked: string[] = [];
  const written: LedgerEvent['kind'][] = [];
  const complete: Certificate = { statements: [], complete: true };
  const ledger = {
    author: host.nodeId,
    community: world.community,
    state: feeder.fold.state,
    async append(event: LedgerEvent) {
      written.push(event.kind);
      return { ok: true, value: {} };
    },
  } as unknown as Ledger;

  /** `whenAsked` runs while a witness is asked for its word. */
  function start(whenAsked: () => void = () => {}) {
    const witnessing: Witnessing = {
      certifyHead: async () => complete,
      async certifyOutcome({ outcome }) {
        asked.push(outcome);
        whenAsked();
        return complete;
      },
      setFor: () => ({ witnesses: [], quorum: 1 }),
    };
    return createPayee({
      signer: host.signer,
      verify: world.verify,
      clock,
      chance: createSeededChance(1),
      ledger,
      records,
      witnessing,
      ownOffers: async () => [],
      mostTokens: () => 0,
      countsOf: () => ({ tokens: null, model: null }),
    });
  }
  const isKept = async (): Promise<boolean> => unwrap(await records.get(key)) !== undefined;
  return { clock, start, isKept, asked, written };
}

test('a payee that is stopped in the middle of a step keeps what it is owed, and goes on from there when it starts again', async () => {
  const { clock, start, isKept, asked, written } = await owedHost();
  const first = start(() => first.stop());
  await clock.advance(HOUR_MS);
  expect(asked).toEqual(['proposed']);
  expect(written).toEqual([]);
  expect(await isKept()).toBe(true);

  const second = start();
  await clock.advance(HOUR_MS);
  expect(asked).toEqual(['proposed', 'settled']);
  expect(written).toEqual(['settlement.closed']);
  expect(await isKept()).toBe(false);
  second.stop();
});

test('a payee goes on with what it is owed after a step broke', async () => {
  const { clock, start, isKept, asked } = await owedHost();
  let isBroken = true;
  const payee = start(() => {
    if (isBroken) throw new Error('a fault of ours');
  });
  await clock.advance(1_000);
  isBroken = false;
  await clock.advance(2 * HOUR_MS);
  expect(asked).toEqual(['proposed', 'proposed', 'settled']);
  expect(await isKept()).toBe(false);
  payee.stop();
});
