import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { fail, unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import { MAX_VERDICTS } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { openSettlement } from '#core/ledger/open-event';
import { PROPOSAL_RULES } from '#core/ledger/rules/proposal-rules';
import { keepsAll } from '#core/ledger/rules/rule';
import type { KeyValueStore } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import type { Signed } from '#core/wire/signed';
import { createPayee, type Payee } from '#node/economy/payee';
import { openMemoryStorage } from '#adapters/storage-memory';
import {
  createEconomyWorld,
  type EconomyWorld,
  type Member,
  type Proposed,
  type Reservation,
} from '#tests/fakes/economy-world';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { paymentSettle } from './contract';
import { createPaymentSettleHandler } from './handler';

let world: EconomyWorld;
let ledger: Ledger;
let payer: Member;
let host: Member;
let reservation: Reservation;
let done: Proposed;
let payee: Payee;
let isDiskFull: boolean;

const refused = (code: string) => ({ ok: false, error: { code } });
const jobId = (): string => reservation.entry.event.jobId;

/** Hands verdicts to the host. */
function settle(verdicts: readonly Signed[], caller: NodeId = payer.nodeId, job = jobId()) {
  const handler = createPaymentSettleHandler({ receiptFor: payee.receiptFor });
  const context: CallContext<never> = {
    caller,
    local: false,
    callId: 'call-1',
    signal: new AbortController().signal,
    emit: () => {},
  };
  return handler({ jobId: job, verdicts: [...verdicts] }, context);
}

/** A host that took a paid job, did it, and keeps what it needs to be paid. */
beforeEach(async () => {
  isDiskFull = false;
  world = await createEconomyWorld();
  [payer, host] = [world.founder, world.member('host')];
  const { community, manifest, verify, founder } = world;
  const clock = createVirtualClock(world.nowMs);
  const storage = await openMemoryStorage();
  const records: KeyValueStore = {
    ...storage.records,
    set: async (key, value) =>
      isDiskFull ? fail('storage_full', 'The disk is full.') : storage.records.set(key, value),
  };
  ledger = await openTestLedger(host.signer, {
    storage,
    clock,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  const offer = await world.offer(host);
  reservation = await world.reserve(payer, host, { offer });
  unwrap(await ledger.receive(payer.nodeId, 0, [reservation.bytes]));
  done = await world.work(reservation);
  payee = createPayee({
    signer: host.signer,
    verify,
    clock,
    chance: createSeededChance(1),
    ledger,
    records,
    witnessing: {
      setFor: (author) => world.witnessesOf(author),
      certifyHead: async () => ({ statements: [], complete: false }),
      certifyOutcome: async () => ({ statements: [], complete: false }),
    },
    ownOffers: async () => [{ signed: offer.signed, terms: offer.body }],
    mostTokens: () => 100,
    countsOf: () => ({
      tokens: { prompt: 40, completion: 60 },
      model: { id: offer.body.expert, hash: offer.body.modelHash },
    }),
  });
  const heads = (await world.heads(reservation)).map(({ signed }) => signed);
  const { capability } = done.opened.commitment;
  unwrap(
    await payee.take(
      {
        jobId: jobId(),
        capability: capability as 'llm.chat@1',
        input: {},
        payment: { reservation: reservation.bytes, heads },
      },
      payer.nodeId,
    ),
  );
  const { commitment, commitmentId } = done.opened;
  await payee.over(jobId(), payer.nodeId, {
    job: { commitment, commitmentId, input: {}, output: {} },
    commitment: done.settlement.commitment,
    startedAt: world.nowMs,
    tookMs: 1_000,
  });
});

afterEach(() => payee.stop());

test('whoever did the work gives a receipt for accepting verdicts, with which the work may be paid', async () => {
  const { verdicts, offer, commitment } = done.settlement;
  const said = unwrap(await settle(verdicts));
  expect(checkAgainst(paymentSettle.output, said).ok).toBe(true);
  const settlement = { offer, receipt: said.receipt, commitment, verdicts };
  const opened = unwrap(await openSettlement(settlement, world.verify));
  expect(opened.acknowledged).toBe(false);
  expect(opened.receipt).toMatchObject({ payer: payer.nodeId, executor: host.nodeId, chargeMicros: 100_000 });
  expect(opened.receipt.challenge.verifierSet).toEqual([world.member('v0').nodeId, world.member('v1').nodeId]);
  const { community, policy } = world;
  const held = ledger.state.reservationsById.get(reservation.entry.id)!;
  expect(keepsAll(PROPOSAL_RULES, { ...opened, community: community.id, policy, reservation: held }).ok).toBe(true);
});

test('asked again it gives the same receipt', async () => {
  const first = unwrap(await settle(done.settlement.verdicts));
  expect(unwrap(await settle(done.settlement.verdicts))).toEqual(first);
});

test('nobody but its payer gets a receipt, and for no other job', async () => {
  const { verdicts } = done.settlement;
  expect(await settle(verdicts, world.member('v0').nodeId)).toMatchObject(refused('unknown_job'));
  expect(await settle(verdicts, host.nodeId)).toMatchObject(refused('unknown_job'));
  expect(await settle(verdicts, payer.nodeId, 'another-job')).toMatchObject(refused('unknown_job'));
});

test('verdicts that do not accept the work are no reason to be paid', async () => {
  const [accepted] = done.settlement.verdicts as [Signed];
  const said = await Promise.all(
    ['v1', 'v2'].map(async (name) => (await world.verdict(world.member(name), reservation, done)).signed),
  );
  expect(await settle([said[0]!])).toMatchObject(refused('not_accepted'));
  expect(await settle([accepted, said[0]!])).toMatchObject(refused('not_accepted'));
  expect(await settle([accepted, ...said])).toMatchObject(refused('not_accepted'));
});

test('verdicts that their validators did not sign are refused, with the reason', async () => {
  const [one, two] = done.settlement.verdicts as [Signed, Signed];
  const forged: Signed = { ...one, signatures: [{ ...one.signatures[0]!, signature: new Uint8Array(64) }] };
  const borrowed: Signed = { ...one, signatures: two.signatures };
  for (const verdict of [forged, borrowed, done.settlement.commitment]) {
    const answer = await settle([two, verdict]);
    expect(answer).toMatchObject(refused('bad_verdict'));
    // The payer learns what is wrong with what it brought.
    expect(answer).toMatchObject({ error: { peerMessage: expect.stringMatching(/./) as string } });
  }
});

test('no receipt leaves that is not kept, and it can be asked for again', async () => {
  isDiskFull = true;
  expect(await settle(done.settlement.verdicts)).toMatchObject(refused('storage_full'));
  isDiskFull = false;
  expect((await settle(done.settlement.verdicts)).ok).toBe(true);
});

test('what is handed over is one job and so many verdicts, at least one, and nothing else', () => {
  const [verdict] = done.settlement.verdicts as [Signed];
  const good = { jobId: jobId(), verdicts: Array.from({ length: MAX_VERDICTS }, () => verdict) };
  expect(checkAgainst(paymentSettle.input, good).ok).toBe(true);
  for (const wrong of [
    { verdicts: [] },
    { verdicts: [...good.verdicts, verdict] },
    { verdicts: [{ ...verdict, signatures: [] }] },
    { verdicts: ['accepted'] },
    { jobId: '' },
    { jobId: 'j'.repeat(65) },
    { chargeMicros: 0 },
  ])
    expect(checkAgainst(paymentSettle.input, { ...good, ...wrong })).toMatchObject({ error: { code: 'malformed' } });
});

test('verdicts that the ledger would refuse are refused, and good ones still count afterwards', async () => {
  const { verdicts } = done.settlement;
  const own = (await world.verdict(payer, reservation, done, 'accepted')).signed;
  const foreign = (await world.verdict(world.member('v0'), reservation, null, 'accepted')).signed;
  expect(await settle([own])).toMatchObject(refused('judges_own_work'));
  expect(await settle([foreign])).toMatchObject(refused('foreign_verdict'));
  expect(await settle([verdicts[0]!, verdicts[0]!])).toMatchObject(refused('verdict_twice'));
  expect((await settle(verdicts)).ok).toBe(true);
});

test('two askings at once, and one with other verdicts, get one receipt', async () => {
  const { verdicts } = done.settlement;
  const [first, second] = await Promise.all([settle(verdicts), settle(verdicts)]);
  expect(unwrap(second)).toEqual(unwrap(first));
  const other = (await world.verdict(world.member('v2'), reservation, done, 'accepted')).signed;
  expect(unwrap(await settle([other]))).toEqual(unwrap(first));
});

test('a reservation with accepted work is not let go, and one that was let go pays no job', async () => {
  const { id } = reservation.entry;
  unwrap(await settle(done.settlement.verdicts));
  expect(await payee.letGo(id)).toEqual({ ok: true, value: false });

  const next = await world.reserve(payer, host, { offer: await world.offer(host), jobId: 'job-next' });
  unwrap(await ledger.receive(payer.nodeId, 1, [next.bytes]));
  expect(await payee.letGo(next.entry.id)).toEqual({ ok: true, value: true });
  const heads = (await world.heads(next)).map(({ signed }) => signed);
  const job = { jobId: 'job-next', capability: 'llm.chat@1', input: {}, payment: { reservation: next.bytes, heads } };
  expect(await payee.take(job as Parameters<Payee['take']>[0], payer.nodeId)).toMatchObject(refused('payment_refused'));
});
