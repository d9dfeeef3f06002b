import { expect, test } from 'vitest';
import { askInCompany, chanceToPass, type Company } from './check-stage';

/** Whoever is drawn first decides how it ends: so many meshes are tried until both ends were seen. */
const MOST_SEEDS = 24;

/** Verdict, note on the expert and number of voices: what came of it, over seeds until there are two different ends. */
async function endsOf(company: Company, expert: 'liar' | 'worker'): Promise<readonly string[]> {
  const ends = new Set<string>();
  for (let seed = 1; seed <= MOST_SEEDS && ends.size < 2; seed++) {
    const { verdict, record, voices } = await askInCompany(company, expert, seed);
    ends.add(`${verdict}, ${record}, ${voices}`);
  }
  return [...ends].sort();
}

test('a lazy validator lets a lie pass when it is drawn first, and never else', async () => {
  expect(await endsOf({ honest: 2, lazy: 1, ring: 0 }, 'liar')).toEqual([
    'accepted, accepted, 1',
    'rejected, rejected, 3',
  ]);
});

test('a lone slanderer costs an honest expert nothing but two more checks', async () => {
  // The liar is a validator too, and calls what is right wrong.
  expect(await endsOf({ honest: 2, lazy: 0, ring: 0 }, 'worker')).toEqual([
    'accepted, accepted, 1',
    'accepted, accepted, 3',
  ]);
});

test('two of a ring can have the truth rejected, when both are drawn', async () => {
  expect(await endsOf({ honest: 1, lazy: 0, ring: 1 }, 'worker')).toEqual([
    'accepted, accepted, 1',
    'rejected, rejected, 3',
  ]);
});

test('what passes is what the rule of one voice, then three, gives', () => {
  expect(chanceToPass(0, 5)).toBe(0);
  expect(chanceToPass(5, 0)).toBe(1);
  expect(chanceToPass(1, 3)).toBe(0.25);
  expect(chanceToPass(2, 4)).toBeCloseTo(1 / 3 + (2 / 3) * (2 / 5) * (1 / 4));
});
