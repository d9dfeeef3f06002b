import { expect, it } from 'vitest';
import { ok } from '#core/base/result';
import type { Ledger, LedgerEntry } from '#core/ledger/ledger';
import { findEntry } from './find-entry';

const AUTHOR = 'a'.repeat(64);
const LENGTH = 250;
/** A log that is held from there on, and of its beginning the first entries. */
const [HELD_FROM, BEGUN] = [240, 3];

const ledger = {
  heads: () => [{ author: AUTHOR, length: LENGTH, id: 'head' }],
  heldFrom: () => HELD_FROM,
  async entriesOf(_author: string, from: number, limit: number) {
    const entries: LedgerEntry[] = [];
    for (let seq = from; seq < Math.min(from + limit, LENGTH); seq++) {
      if (seq >= BEGUN && seq < HELD_FROM) break;
      entries.push({ id: `entry ${seq}`, seq } as LedgerEntry);
    }
    return ok(entries);
  },
} as unknown as Ledger;

it('finds an entry from the end of a log, also where what lies before it is missing', async () => {
  for (const seq of [249, 240, 0]) expect((await findEntry(ledger, AUTHOR, `entry ${seq}`))?.seq).toBe(seq);
  expect(await findEntry(ledger, AUTHOR, 'entry 100')).toBe(null);
});
