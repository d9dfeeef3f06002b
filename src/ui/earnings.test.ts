import { expect, test } from 'vitest';
import type { LedgerLine } from '#node/tab/ledger-desk-views';
import { earningsByDay } from './earnings';

const DAY_MS = 86_400_000;
const dayOf = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;

const line = (at: number, amountMicros: number, change: Partial<LedgerLine> = {}): LedgerLine => ({
  id: `${at}/${amountMicros}`,
  kind: amountMicros < 0 ? 'paid' : 'earned',
  at,
  with: null,
  capability: null,
  amountMicros,
  atMost: false,
  state: 'settled',
  until: null,
  challenge: null,
  jobId: null,
  receiptId: null,
  ...change,
});

test('days add up what was earned and spent, and the balance runs on from day to day', () => {
  const lines = [line(3 * DAY_MS, -20), line(DAY_MS + 5, 50), line(DAY_MS, 100), line(3 * DAY_MS + 1, 7)];
  expect(earningsByDay(lines, dayOf)).toEqual([
    { at: DAY_MS, earnedMicros: 150, spentMicros: 0, balanceMicros: 150 },
    { at: 3 * DAY_MS, earnedMicros: 7, spentMicros: 20, balanceMicros: 137 },
  ]);
});

test('what is not final, what cost nothing, and limits are no part of it', () => {
  const lines = [
    line(1, 5, { state: 'waiting' }),
    line(2, -5, { state: 'reserved' }),
    line(3, 0, { state: 'released' }),
    line(4, 5, { kind: 'received', state: 'claimed' }),
    line(5, -5, { kind: 'granted', state: 'claimed' }),
  ];
  expect(earningsByDay(lines, dayOf)).toEqual([]);
});

test('the calendar is asked once for each day of lines that come newest first', () => {
  const lines = Array.from({ length: 50 }, (_, at) => line(20 * DAY_MS - at * 3_600_000, 1));
  let asked = 0;
  const days = earningsByDay(lines, (at) => {
    asked += 1;
    return dayOf(at);
  });
  expect(asked).toBe(days.length);
  expect(days.map(({ earnedMicros }) => earnedMicros)).toEqual([1, 24, 24, 1]);
});
