import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { fail, unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import type { Ledger } from '#core/ledger/ledger';
import { openWorkReceipt, type InferenceWorkReceipt } from '#core/ledger/work-receipts';
import type { NodeStorage } from '#core/storage/ports';
import { checkAgainst } from '#core/wire/gate';
import { MAX_SIGNED_BYTES } from '#core/wire/limits';
import { addSignature, sign, type Signed } from '#core/wire/signed';
import { createPayee, type Payee } from '#node/economy/payee';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createEconomyWorld, type EconomyWorld, type Member, type Reservation } from '#tests/fakes/economy-world';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { paymentAcknowledge } from './contract';
import { createPaymentAcknowledgeHandler } from './handler';

let world: EconomyWorld;
let clock: VirtualClock;
let ledger: Ledger;
let payer: Member;
let host: Member;
let reservation: Reservation;
let payee: Payee;
/** What the host gave for the work, and the same with the payer's signature. */
let receipt: Signed;
let agreed: Signed;
let isDiskFull: boolean;
/** Resolves when the host proposed its work. */
let proposed: Promise<void>;

const refused = (code: string) => ({ ok: false, error: { code } });
const taken = (value: boolean) => ({ ok: true, value: { taken: value } });
const kinds = async () => unwrap(await ledger.entriesOf(host.nodeId, 0, 99)).map(({ event }) => event.kind);

/** Hands a receipt to the host. */
function acknowledge(signed: Signed, caller: NodeId = payer.nodeId) {
  const handler = createPaymentAcknowledgeHandler({ acknowledged: payee.acknowledged });
  const context: CallContext<never> = {
    caller,
    local: false,
    callId: 'call-1',
    signal: new AbortController().signal,
    emit: () => {},
  };
  return handler({ receipt: signed }, context);
}

/** A host that took a paid job, did it, and gave its receipt for accepting verdicts. */
beforeEach(async () => {
  isDiskFull = false;
  world = await createEconomyWorld();
  clock = createVirtualClock(world.nowMs);
  [payer, host] = [world.founder, world.member('host')];
  const { community, manifest, verify, founder } = world;
  const memory = await openMemoryStorage();
  const storage: NodeStorage = {
    ...memory,
    logNamed(name) {
      const log = memory.logNamed(name);
      const append: typeof log.append = async (position, bytes) =>
        isDiskFull ? fail('storage_full', 'The disk is full.') : log.append(position, bytes);
      return { ...log, append };
    },
  };
  ledger = await openTestLedger(host.signer, {
    storage,
    clock,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  proposed = new Promise((resolve) => {
    ledger.changed.on(({ own }) => {
      if (own?.event.kind === 'settlement.proposed') resolve();
    });
  });
  const offer = await world.offer(host);
  reservation = await world.reserve(payer, host, { offer });
  unwrap(await ledger.receive(payer.nodeId, 0, [reservation.bytes]));
  payee = createPayee({
    signer: host.signer,
    verify,
    clock,
    chance: createSeededChance(1),
    ledger,
    records: storage.records,
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
  const done = await world.work(reservation);
  const heads = (await world.heads(reservation)).map(({ signed }) => signed);
  const { jobId } = reservation.entry.event;
  const payment = { reservation: reservation.bytes, heads };
  unwrap(await payee.take({ jobId, capability: 'llm.chat@1', input: {}, payment }, payer.nodeId));
  const { commitment, commitmentId } = done.opened;
  await payee.over(jobId, payer.nodeId, {
    job: { commitment, commitmentId, input: {}, output: {} },
    commitment: done.settlement.commitment,
    startedAt: world.nowMs,
    tookMs: 1_000,
  });
  receipt = unwrap(await payee.receiptFor(payer.nodeId, jobId, done.settlement.verdicts));
  agreed = await addSignature(payer.signer, receipt);
});

afterEach(() => payee.stop());

test('a receipt that its payer signed too is written down, and the work is proposed at once', async () => {
  const said = await acknowledge(agreed);
  expect(said).toEqual(taken(true));
  expect(checkAgainst(paymentAcknowledge.output, unwrap(said)).ok).toBe(true);
  await proposed;
  expect(await kinds()).toEqual(['work.receipted', 'settlement.proposed']);
  const [first, second] = unwrap(await ledger.entriesOf(host.nodeId, 0, 2));
  expect(first!.event).toMatchObject({ receipt: agreed });
  expect(second!.event).toMatchObject({ settlement: { receipt: agreed } });
  expect(ledger.state.reservationsById.get(reservation.entry.id)!.proposal).toBe(second!.id);
});

test('once the work is proposed the same word is nothing new', async () => {
  expect(await acknowledge(agreed)).toEqual(taken(true));
  await proposed;
  expect(await acknowledge(agreed)).toEqual(taken(false));
  expect(await kinds()).toEqual(['work.receipted', 'settlement.proposed']);
});

test('a payer that stays silent delays the proposal, and its word comes too late then', async () => {
  await clock.advance(60_000);
  await proposed;
  expect(await kinds()).toEqual(['settlement.proposed']);
  expect(await acknowledge(agreed)).toEqual(taken(false));
  expect(await kinds()).toEqual(['settlement.proposed']);
});

test('without the payer’s signature, from somebody else or for another job it is no word that was waited for', async () => {
  const { receipt: body } = unwrap(await openWorkReceipt(receipt, world.verify));
  const other: InferenceWorkReceipt = { ...body, jobId: 'another-job' };
  const elsewhere = await addSignature(payer.signer, await sign(host.signer, other));
  expect(await acknowledge(receipt)).toMatchObject(refused('unknown_job'));
  expect(await acknowledge(agreed, world.member('v0').nodeId)).toMatchObject(refused('unknown_job'));
  expect(await acknowledge(elsewhere)).toMatchObject(refused('unknown_job'));
  expect(await kinds()).toEqual([]);
});

test('another receipt than the one that was given is refused, though both sides signed it', async () => {
  const { receipt: body } = unwrap(await openWorkReceipt(receipt, world.verify));
  const other: InferenceWorkReceipt = { ...body, chargeMicros: body.chargeMicros + 1 };
  const dearer = await addSignature(payer.signer, await sign(host.signer, other));
  expect(await acknowledge(dearer)).toMatchObject(refused('receipt_mismatch'));
  expect(await kinds()).toEqual([]);
});

test('what is no receipt, or is signed by somebody whom it does not name, is refused', async () => {
  const forged: Signed = {
    ...agreed,
    signatures: [agreed.signatures[0]!, { ...agreed.signatures[1]!, signature: new Uint8Array(64) }],
  };
  const third = await addSignature(world.member('v0').signer, agreed);
  const mine: Signed = { ...agreed, signatures: [agreed.signatures[1]!] };
  for (const [signed, code] of [
    [forged, 'bad_signature'],
    [third, 'foreign_signature'],
    [mine, 'signer_missing'],
    [await sign(payer.signer, { type: 'something', v: 1 }), 'malformed'],
  ] as const)
    expect(await acknowledge(signed)).toMatchObject(refused(code));
  expect(await kinds()).toEqual([]);
});

test('a word that cannot be written down is not taken, and is when it can', async () => {
  isDiskFull = true;
  expect(await acknowledge(agreed)).toMatchObject(refused('storage_full'));
  isDiskFull = false;
  expect(await acknowledge(agreed)).toEqual(taken(true));
});

test('what is handed over is one signed receipt of so many bytes, and nothing else', () => {
  const { input } = paymentAcknowledge;
  expect(checkAgainst(input, { receipt: agreed }).ok).toBe(true);
  for (const wrong of [
    {},
    { receipt: null },
    { receipt: { ...agreed, signatures: [] } },
    { receipt: { ...agreed, payload: new Uint8Array(MAX_SIGNED_BYTES + 1) } },
    { receipt: agreed, jobId: 'job-1' },
  ])
    expect(checkAgainst(input, wrong)).toMatchObject({ error: { code: 'malformed' } });
});
