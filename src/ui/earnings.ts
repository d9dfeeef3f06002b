import type { LedgerLine } from '#node/tab/ledger-desk-views';

/** One day of this device's calendar. */
export interface EarningsDay {
  /** Its first moment, epoch milliseconds. */
  readonly at: number;
  readonly earnedMicros: number;
  readonly spentMicros: number;
  /** All that was confirmed up to its end. */
  readonly balanceMicros: number;
}

/** The last so many days with anything in them are shown. */
export const MOST_DAYS = 366;

const FINAL = new Set<LedgerLine['state']>(['settled', 'void']);

/**
 * Earned and spent day by day, and what the balance came to: by the lines that are final. Grants move limits, not balances.
 * `dayOf`: the first moment of the day in which a moment lies. Days ascend; those in which nothing happened are left out.
 */
export function earningsByDay(lines: readonly LedgerLine[], dayOf: (at: number) => number): readonly EarningsDay[] {
  const days = new Map<number, { earned: number; spent: number }>();
  /** A day and a moment in it: what lies between the two needs no calendar, which is slow to ask for each of many lines. */
  let [day, until] = [0, -1];
  for (const { state, kind, at, amountMicros } of lines) {
    if (!FINAL.has(state) || kind === 'granted' || kind === 'received' || amountMicros === 0) continue;
    if (at < day || at > until) [day, until] = [dayOf(at), at];
    const sums = days.get(day) ?? { earned: 0, spent: 0 };
    if (amountMicros > 0) sums.earned += amountMicros;
    else sums.spent -= amountMicros;
    days.set(day, sums);
  }
  let balanceMicros = 0;
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([at, { earned, spent }]) => {
      balanceMicros += earned - spent;
      return { at, earnedMicros: earned, spentMicros: spent, balanceMicros };
    })
    .slice(-MOST_DAYS);
}

export function localDay(at: number): number {
  const day = new Date(at);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}
