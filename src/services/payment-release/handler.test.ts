import { beforeEach, expect, test } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { ok, unwrap } from '#core/base/result';
import type { CallContext } from '#core/bus/capability';
import type { Ledger } from '#core/ledger/ledger';
import { mayWitness, openRelease } from '#core/ledger/witness-duty';
import { checkAgainst } from '#core/wire/gate';
import { createEconomyWorld, type EconomyWorld, type Member, type Reservation } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { paymentRelease } from './contract';
import { createPaymentReleaseHandler } from './handler';

let world: EconomyWorld;
let ledger: Ledger;
let payer: Member;
let host: Member;
let reservation: Reservation;
/** Reservations from which the host is to be paid. */
let owed: Set<string>;

const refused = (code: string) => ({ ok: false, error: { code } });

/** Asks the host to let a reservation go. */
function ask(id: string, caller: NodeId = payer.nodeId) {
  const handler = createPaymentReleaseHandler({
    signer: host.signer,
    ledger: () => ledger,
    letGo: async (one) => ok(!owed.has(one)),
  });
  const context: CallContext<never> = {
    caller,
    local: false,
    callId: 'call-1',
    signal: new AbortController().signal,
    emit: () => {},
  };
  return handler({ reservation: id }, context);
}

const bring = async (author: Member) =>
  ledger.receive(
    author.nodeId,
    0,
    author.entries.map(({ bytes }) => bytes),
  );

beforeEach(async () => {
  world = await createEconomyWorld();
  owed = new Set();
  [payer, host] = [world.founder, world.member('host')];
  const { community, manifest, verify, founder } = world;
  ledger = await openTestLedger(host.signer, { verify, in: { community, manifest, founder: founder.signer } });
  reservation = await world.reserve(payer, host);
  unwrap(await bring(payer));
});

test('a node lets go of a reservation from which it is owed nothing, and witnesses go by its word', async () => {
  const said = unwrap(await ask(reservation.entry.id));
  expect(checkAgainst(paymentRelease.output, said).ok).toBe(true);
  const release = unwrap(await openRelease(said.release, world.verify));
  expect(release).toEqual({
    type: 'reservation-release',
    v: 1,
    community: world.community.id,
    reservation: reservation.entry.id,
    payee: host.nodeId,
  });
  const asked = {
    reservation: reservation.entry.id,
    certified: null,
    outcome: 'released' as const,
    chargeMicros: 0,
    settlement: null,
    proposed: [],
    reasons: [],
    offer: null,
  };
  const before = { proposed: null, end: null };
  expect(mayWitness(ledger, { ...asked, release }, before, world.nowMs)).toEqual({ ok: true, value: undefined });
  expect(mayWitness(ledger, { ...asked, release: null }, before, world.nowMs)).toMatchObject(refused('not_released'));
});

test('it says the same again, so that a word that was lost can be asked for', async () => {
  expect(await ask(reservation.entry.id)).toEqual(await ask(reservation.entry.id));
});

test('it lets nothing go from which it is still to be paid', async () => {
  owed.add(reservation.entry.id);
  expect(await ask(reservation.entry.id)).toMatchObject(refused('still_owed'));
  const other = await world.reserve(payer, host);
  unwrap(await bring(payer));
  expect((await ask(other.entry.id)).ok).toBe(true);
  owed.clear();
  expect((await ask(reservation.entry.id)).ok).toBe(true);
});

test('it says nothing about reservations that are not the caller’s, or not for it, or that it does not know', async () => {
  const elsewhere = await world.reserve(payer, world.member('another'));
  const unknown = await world.reserve(payer, host);
  const overdrawn = await world.reserve(world.member('poor'), host);
  unwrap(await ledger.receive(payer.nodeId, 0, [reservation.bytes, elsewhere.bytes]));
  unwrap(await bring(world.member('poor')));
  expect(await ask(reservation.entry.id, world.member('another').nodeId)).toMatchObject(
    refused('not_your_reservation'),
  );
  expect(await ask(reservation.entry.id, host.nodeId)).toMatchObject(refused('not_your_reservation'));
  expect(await ask(elsewhere.entry.id)).toMatchObject(refused('not_your_reservation'));
  expect(await ask(unknown.entry.id)).toMatchObject(refused('not_your_reservation'));
  expect(await ask(overdrawn.entry.id, overdrawn.entry.author)).toMatchObject(refused('not_your_reservation'));
});

test('whether it is owed anything is told to nobody but the payer', async () => {
  owed.add(reservation.entry.id);
  expect(await ask(reservation.entry.id, world.member('another').nodeId)).toMatchObject(
    refused('not_your_reservation'),
  );
});

test('it is asked about one reservation, and nothing else', () => {
  const good = { reservation: reservation.entry.id };
  expect(checkAgainst(paymentRelease.input, good).ok).toBe(true);
  for (const wrong of [{}, { reservation: host.nodeId }, { reservation: null }, { ...good, payee: host.nodeId }])
    expect(checkAgainst(paymentRelease.input, wrong)).toMatchObject({ error: { code: 'malformed' } });
});
