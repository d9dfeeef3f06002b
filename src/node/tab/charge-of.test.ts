import { expect, test } from 'vitest';
import type { ClosingState, ReservationState } from '#core/ledger/ledger-state';
import type { ProposedSettlement } from '#core/ledger/rules/dispute-rules';
import { chargeOf } from './charge-of';

const reservation = (id: string, change: Partial<ReservationState> = {}): ReservationState =>
  ({ id, payer: 'ann', jobId: id, purpose: 'work', amountMicros: 100, proposal: null, ...change }) as ReservationState;

const stateWith = (reservations: readonly ReservationState[], closed: Readonly<Record<string, number>> = {}) => ({
  reservationsById: new Map(reservations.map((one) => [one.id, one])),
  closingByReservation: new Map(
    Object.entries(closed).map(([id, chargeMicros]) => [id, { chargeMicros } as ClosingState]),
  ),
  proposalsById: new Map([['proposal', { chargeMicros: 60 } as ProposedSettlement]]),
});
const of = (state: ReturnType<typeof stateWith>, ...jobs: string[]) => chargeOf(state, 'ann', new Set(jobs));

test('a charge is what was reserved at most, then what is asked, then what was charged', () => {
  expect(of(stateWith([reservation('a')]), 'a')).toEqual({ micros: 100, atMost: true, closed: false });
  const proposed = reservation('a', { proposal: 'proposal' });
  expect(of(stateWith([proposed]), 'a')).toEqual({ micros: 60, atMost: false, closed: false });
  expect(of(stateWith([proposed], { a: 55 }), 'a')).toEqual({ micros: 55, atMost: false, closed: true });
});

test('of several jobs it is the sum, and is known when all are', () => {
  const state = stateWith([reservation('a'), reservation('b', { proposal: 'proposal' })], { a: 0 });
  expect(of(state, 'a', 'b')).toEqual({ micros: 60, atMost: false, closed: false });
  expect(of(state, 'b')).toMatchObject({ micros: 60 });
});

test('nothing is charged for jobs of others, for bonds, or where nothing was reserved', () => {
  const state = stateWith([reservation('a', { payer: 'bob' }), reservation('b', { purpose: 'bond' })]);
  expect(of(state, 'a', 'b', 'c')).toBeNull();
});
