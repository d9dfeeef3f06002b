import { expect, test } from 'vitest';
import { askInCompany, chanceToPass, type Company } from './check-stage';

/** Whoever is drawn first decides how it ends: so many meshes are tried until both ends were seen. */
const MOST_SEEDS = 8;

/** Verdict, note on the expert and number of voices: what came of it, over seeds until there are two different ends. */
async function endsOf(company: Company, expert: 'liar' | 'worker'): Promise<readonly string[]> {
  const ends = new Set<string>();
  for (let seed = 1; seed <= MOST_SEEDS && ends.size < 2; seed++) {
    const { verdict, record, voices } = await askInCompany(company, expert, seed);
    ends.add(`${verdict}, ${record}, ${voices}`);
  }
  return [...ends].sort();
}

test('a lazy validator that was never seen to find a fault lets no lie pass: another one looks too', async () => {
  expect(await endsOf({ honest: 2, lazy: 1, ring: 0 }, 'liar')).toEqual(['rejected, rejected, 3']);
});

test('a lone slanderer costs an honest expert nothing but one more check', async () => {
  // The liar is a validator too, and calls what is right wrong.
  expect(await endsOf({ honest: 2, lazy: 0, ring: 0 }, 'worker')).toEqual([
    'accepted, accepted, 2',
    'accepted, accepted, 3',
  ]);
});

test('a ring that outnumbers the honest has the truth rejected', async () => {
  expect(await endsOf({ honest: 1, lazy: 0, ring: 1 }, 'worker')).toEqual(['rejected, rejected, 3']);
});

test('what passes is what the majority of three gives', () => {
  expect(chanceToPass(0, 5)).toBe(0);
  expect(chanceToPass(5, 0)).toBe(1);
  expect(chanceToPass(1, 3)).toBe(0);
  expect(chanceToPass(2, 4)).toBeCloseTo(4 / 20);
  expect(chanceToPass(1, 1)).toBe(0);
});
