import { expect, test } from 'vitest';
import { fail, ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { LedgerEvent } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { EXPIRY_GRACE_MS } from '#core/ledger/witness-duty';
import { createEconomyWorld, credits } from '#tests/fakes/economy-world';
import { createFoldFeeder } from '#tests/fakes/fold-feeder';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { LedgerExchange } from './exchange';
import { createPayer, RESERVED_FOR_MS, type KnownOffer } from './payer';
import type { Certificate, Witnessing } from './witnessing';

/** A payer whose expert takes no logs and answers nothing, and what it asks witnesses and writes. */
async function payerOfSilence(closing: () => Result<unknown> = () => ok({})) {
  const world = await createEconomyWorld();
  const [payer, host] = [world.member('payer'), world.member('host')];
  await world.claim(payer, await world.grant(world.founder, payer, credits(5)));
  const feeder = createFoldFeeder(world.community);
  for (const { entries } of world.members) for (const { entry } of entries) feeder.give(entry);
  const reservation = await world.reserve(payer, host);

  const clock = createVirtualClock();
  const asked: string[] = [];
  const written: LedgerEvent['kind'][] = [];
  const complete: Certificate = { statements: [], complete: true };
  const witnessing: Witnessing = {
    certifyHead: async () => complete,
    async certifyOutcome({ outcome }) {
      asked.push(outcome);
      return complete;
    },
    setFor: () => ({ witnesses: [], quorum: 1 }),
  };
  const ledger = {
    author: payer.nodeId,
    community: world.community,
    state: feeder.fold.state,
    async append(event: LedgerEvent) {
      written.push(event.kind);
      if (event.kind === 'settlement.closed') return closing();
      feeder.give(reservation.entry);
      return ok(reservation.entry);
    },
    bytesOf: async () => ok([reservation.bytes]),
  } as unknown as Ledger;
  const terms = { id: 'offer', node: host.nodeId, rateMicros: 1, minimumMicros: 1, taskClasses: ['llm.chat@1'] };
  const made = createPayer({
    signer: payer.signer,
    verify: world.verify,
    clock,
    bus: { call: async () => fail('no_answer', 'That node is silent.') } as unknown as Bus,
    ledger,
    exchange: { bring: async () => fail('no_answer', 'That node is silent.') } as unknown as LedgerExchange,
    witnessing,
    claims: { sweep: async () => {}, stop: () => {} },
    offerOf: async () => ({ terms: { ...terms, expiresAt: Infinity } }) as unknown as KnownOffer,
    mostTokens: () => 10,
  });
  const job = { jobId: 'job', expert: host.nodeId, capability: 'llm.chat@1', input: {}, payAtMostMicros: 100 } as const;
  return { payer: made, job, clock, asked, written };
}

test('what was set aside for a node that went away before it heard of it comes back when it has expired', async () => {
  const { payer, job, clock, asked, written } = await payerOfSilence();
  expect(await payer.reserve(job)).toBe(null);
  expect([written, asked]).toEqual([['reservation.made'], []]);
  await clock.advance(RESERVED_FOR_MS + EXPIRY_GRACE_MS);
  expect([written, asked]).toEqual([['reservation.made', 'settlement.closed'], ['expired']]);
  payer.stop();
});

test.each<[string, () => Result<unknown>]>([
  ['failed', () => fail('storage_full', 'The disk is full.')],
  [
    'broke',
    () => {
      throw new Error('a fault of ours');
    },
  ],
])('an ending that could not be written is tried again, where writing %s', async (_, once) => {
  let tries = 0;
  const { payer, job, clock, written } = await payerOfSilence(() => (++tries === 1 ? once() : ok({})));
  await payer.reserve(job);
  await clock.advance(RESERVED_FOR_MS + EXPIRY_GRACE_MS + 60_000);
  expect(written).toEqual(['reservation.made', 'settlement.closed', 'settlement.closed']);
  payer.stop();
});
