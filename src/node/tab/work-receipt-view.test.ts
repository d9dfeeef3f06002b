import { beforeAll, expect, test } from 'vitest';
import { hex } from '#core/base/bytes';
import { ok, unwrap } from '#core/base/result';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import { CHALLENGE_METHODS } from '#core/ledger/work-receipts';
import { idOfSigned } from '#core/wire/signed';
import type { Links } from '#core/transport/ports';
import { openMemoryStorage } from '#adapters/storage-memory';
import {
  createEconomyWorld,
  credits,
  type EconomyWorld,
  type Member,
  type Proposed,
  type Reservation,
  type Written,
} from '#tests/fakes/economy-world';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createLedgerDesk } from './ledger-desk';
import { openStored, placeOf, readEntry } from './line-entry';
import { workBehind } from './work-receipt-view';

let world: EconomyWorld;
let payer: Member;
let host: Member;
let looker: Member;
let ledger: Ledger;
let settled: { readonly paid: Reservation; readonly done: Proposed };
let waiting: { readonly paid: Reservation; readonly done: Proposed };
/** Another that looked, and its receipt for what was settled. */
let other: Member;
let receipted: Written<'verification.receipted'>;
let untouched: Reservation;

beforeAll(async () => {
  world = await createEconomyWorld();
  [payer, host, looker] = [world.member('payer'), world.member('host'), world.member('v0')];
  const grant = await world.grant(world.founder, payer, credits(5));
  await world.claim(payer, grant);
  const propose = async () => {
    const paid = await world.reserve(payer, host);
    const done = await world.work(paid);
    await world.propose(host, paid, done);
    return { paid, done };
  };
  settled = await propose();
  const closing = await world.close(settled.paid, { outcome: 'settled', work: settled.done });
  await world.write(payer, closing.event, closing.refs, closing.inside);
  other = world.member('v1');
  receipted = await world.receiptForLooking(other, { done: settled.done, closing });
  waiting = await propose();
  untouched = await world.reserve(payer, host);
  ledger = unwrap(
    await openLedger({
      storage: await openMemoryStorage(),
      signer: looker.signer,
      verify: world.verify,
      clock: createVirtualClock(),
      community: world.community,
      manifest: world.manifest,
    }),
  );
  for (const { nodeId, entries } of world.members) {
    if (entries.length === 0) continue;
    const bytes = entries.map((entry) => entry.bytes);
    unwrap(await ledger.receive(nodeId, 0, bytes));
  }
});

/** The line as the desk of one that looked at the work opens it. */
async function lineOf({ paid }: { readonly paid: Reservation }) {
  const desk = createLedgerDesk({
    ledger,
    verify: world.verify,
    clock: createVirtualClock(),
    links: { all: [] } as unknown as Links,
    disputes: async () => null,
    claimOf: async () => ok(null),
  });
  return unwrap(await desk.line(paid.entry.id));
}

test('a settled line opens to the work receipt that its closing carries, with what each validator was paid', async () => {
  const { paid, done } = settled;
  const { work, credits: credited } = await lineOf(settled);
  const { receipt } = done.opened;
  const partOf = (node: string) => credited.find((one) => one.node === node)!.micros;
  expect(work).toEqual({
    id: idOfSigned(done.settlement.receipt),
    traceId: receipt.commitments.routeTraceId,
    spendKey: paid.entry.id,
    inputHash: hex(receipt.commitments.input),
    outputHash: hex(receipt.commitments.output),
    commitment: done.opened.commitmentId,
    inputTokens: 50,
    outputTokens: 50,
    chargeMicros: receipt.chargeMicros,
    startedAt: world.nowMs - 1_000,
    completedAt: world.nowMs,
    windowSeconds: 600,
    methods: [...CHALLENGE_METHODS],
    acknowledged: false,
    checks: done.opened.verdicts.map(({ id, verdict: { validator } }) => ({
      validator,
      verdict: id,
      paidMicros: partOf(validator),
      receipt:
        validator === other.nodeId ? { id: idOfSigned(receipted.entry.event.receipt), seq: receipted.entry.seq } : null,
    })),
  });
  expect(work!.checks.map(({ validator }) => validator)).toContain(looker.nodeId);
  expect(partOf(looker.nodeId)).toBeGreaterThan(0);
});

test('a line that waits opens to what its payee proposed: the receipt, who signed, the verdicts and the price, nothing paid yet', async () => {
  const { line, work, signers, verdicts, price } = await lineOf(waiting);
  expect(line.state).toBe('waiting');
  expect(work).toMatchObject({ id: idOfSigned(waiting.done.settlement.receipt), spendKey: waiting.paid.entry.id });
  expect(work!.checks.map(({ paidMicros }) => paidMicros)).toEqual([null, null]);
  expect(signers).toEqual([
    { node: payer.nodeId, role: 'payer' },
    { node: host.nodeId, role: 'payee' },
    ...work!.checks.map(({ validator }) => ({ node: validator, role: 'validator' })),
  ]);
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted']);
  expect(price).toEqual({ tokens: 100, rateMicros: 1_000, minimumMicros: 10_000 });
});

test('behind a reservation from which nothing is asked for yet there is no work', async () => {
  const { id } = untouched.entry;
  const read = unwrap(await readEntry(ledger, placeOf(ledger, id)!));
  expect(await workBehind(ledger, id, unwrap(await openStored(read.bytes)))).toBeNull();
});
