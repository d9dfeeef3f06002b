import { wilson } from '#tests/simulation/checking/power';
import { askInCompany, chanceToPass } from './check-stage';

/**
 * Prints what lazy and colluding validators achieve: `npx tsx tests/simulation/adversaries/print-check-stage.ts 100`. The argument is the
 * number of questions per cell; the same number prints the same table.
 */
const questions = Number(process.argv[2] ?? 100);
const COMPANIES = [
  { honest: 5, lazy: 0, ring: 0 },
  { honest: 4, lazy: 1, ring: 0 },
  { honest: 3, lazy: 2, ring: 0 },
  { honest: 4, lazy: 0, ring: 1 },
  { honest: 3, lazy: 0, ring: 2 },
  { honest: 2, lazy: 0, ring: 3 },
] as const;

const percent = (share: number): string => (100 * share).toFixed(1);
const cell = (hits: number, computed: number): string => {
  const [low, high] = wilson(hits, questions);
  return `${percent(hits / questions)} (${percent(low)} to ${percent(high)}); ${percent(computed)}`;
};

console.log('| Honest, lazy, of the ring | A lie accepted; computed | The truth rejected; computed |');
console.log('| --- | --- | --- |');
for (const company of COMPANIES) {
  let [passed, slandered] = [0, 0];
  for (let seed = 1; seed <= questions; seed++) {
    if ((await askInCompany(company, 'liar', seed)).verdict === 'accepted') passed++;
    if ((await askInCompany(company, 'worker', seed)).verdict === 'rejected') slandered++;
  }
  const { honest, lazy, ring } = company;
  // The other expert may be drawn too: the honest worker against the lie, the liar against the truth.
  const lie = chanceToPass(lazy + ring, honest + 1);
  const truth = 1 - chanceToPass(honest + lazy, ring + 1);
  console.log(`| ${honest}, ${lazy}, ${ring} | ${cell(passed, lie)} | ${cell(slandered, truth)} |`);
}
