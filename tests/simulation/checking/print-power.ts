import { expectedGainOfCheating, MOST_SAVED } from '#core/experts/audit';
import { FORBIDDEN_MARGIN } from '#core/engines/decision';
import { createDraws, drawAnswer, forgeOne, PLACES, poolOfErrors, poolOfRates, type PlaceName } from './answers';
import {
  answersUntilCaught,
  HONEST_ERRORS,
  LIARS,
  liarPool,
  measure,
  TESTS,
  wilson,
  type Measured,
  type TestName,
} from './power';

/**
 * Prints the tables of docs/spec/checking.md: `npx tsx tests/simulation/checking/print-power.ts 4000`. The argument is the
 * number of answers per cell, ten times as many where the bars are, twenty times as many honest ones. The same number prints
 * the same tables.
 */
const answers = Number(process.argv[2] ?? 4_000);
const HONEST_TIMES = 20;
const BAR_TIMES = 10;
const SEED = 20_261_120;
const LENGTHS = [16, 64, 128, 256, 512];
const NAMES = Object.keys(TESTS) as TestName[];

const percent = (share: number): string => (100 * share).toFixed(1);
const cell = ({ rejected, answers: of }: Measured): string => {
  const [low, high] = wilson(rejected, of);
  return `${percent(rejected / of)} (${percent(low)} to ${percent(high)})`;
};
const row = (...cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`);
const head = (...cells: readonly string[]): void => {
  row(...cells);
  row(...cells.map(() => '---'));
};

const honest = poolOfErrors(50, HONEST_ERRORS);

console.log(`\nHonest answers rejected, of ${answers * HONEST_TIMES}, seed ${SEED}\n`);
head('honest tokens', 'length', ...NAMES.slice(0, 4));
const worlds = [
  ['0.2 % gross, 2 % soft', poolOfRates(0.002, 0.02)],
  ['0.5 % gross, 2 % soft', poolOfRates(0.005, 0.02)],
  ['errors of 0.2', poolOfErrors(200, 0.2)],
  ['errors of 0.05', honest],
] as const;
for (const [name, pool] of worlds)
  for (const length of name === worlds[0][0] ? LENGTHS : [256])
    row(
      name,
      String(length),
      ...NAMES.slice(0, 4).map((test) => {
        const result = measure(TESTS[test], answers * HONEST_TIMES, SEED, (draws) => drawAnswer(draws, length, pool));
        const [, high] = wilson(result.rejected, result.answers);
        return `${result.rejected} (rate at most ${high.toExponential(1)}; looks at ${result.meanLooked.toFixed(0)})`;
      }),
    );

console.log(
  `\nLiars rejected, in percent, of ${answers} answers each (10 %, 256: ${answers * BAR_TIMES}), seed ${SEED}\n`,
);
head('gross', 'cheats on', 'length', ...NAMES);
for (const liar of LIARS) {
  const own = liarPool(liar);
  for (const place of Object.keys(PLACES) as PlaceName[])
    for (const length of LENGTHS) {
      if (length !== 256 && !['all of it', 'last half', 'last quarter'].includes(place)) continue;
      const of = liar.gross === 0.1 && length === 256 ? answers * BAR_TIMES : answers;
      row(
        `${percent(liar.gross)} %`,
        place,
        String(length),
        ...NAMES.map((test) =>
          cell(measure(TESTS[test], of, SEED, (draws) => drawAnswer(draws, length, honest, own, PLACES[place]))),
        ),
      );
    }
}
const grossOnly = poolOfRates(0.1, 0);
row(
  '10.0 %, nothing between',
  'last quarter',
  '256',
  ...NAMES.map((test) =>
    cell(
      measure(TESTS[test], answers * BAR_TIMES, SEED, (draws) =>
        drawAnswer(draws, 256, honest, grossOnly, PLACES['last quarter']),
      ),
    ),
  ),
);

console.log(`\nOne token forged, rejected in percent\n`);
head('its margin', 'length', ...NAMES);
for (const [name, forged] of [
  ['outside the draw', { rank: 5_000, margin: FORBIDDEN_MARGIN }],
  ['6', { rank: 20, margin: 6 }],
  ['2', { rank: 3, margin: 2 }],
] as const)
  for (const length of [64, 256, 512])
    row(
      name,
      String(length),
      ...NAMES.map((test) =>
        cell(measure(TESTS[test], answers, SEED, (draws) => forgeOne(draws, length, honest, forged))),
      ),
    );

const MOST = 50;
console.log(
  `\nChecked answers until a liar is caught (single answers and the record together), of ${answers / 10} nodes\n`,
);
head('gross', 'cheats on', 'length', 'median', 'within 10', `within ${MOST}`);
for (const liar of LIARS) {
  const own = liarPool(liar);
  for (const [name, share] of [
    ['every answer', 1],
    ['one answer in five', 0.2],
  ] as const)
    for (const length of LENGTHS) {
      const draws = createDraws(SEED);
      const counts = Array.from({ length: answers / 10 }, () =>
        answersUntilCaught(own, honest, length, share, draws, MOST),
      ).sort((a, b) => a - b);
      const middle = counts[counts.length >> 1]!;
      const within = (most: number) => percent(counts.filter((count) => count <= most).length / counts.length);
      row(
        `${percent(liar.gross)} %`,
        name,
        String(length),
        middle > MOST ? `over ${MOST}` : String(middle),
        within(10),
        within(MOST),
      );
    }
}

console.log('\nWhat cheating brings per answer, in prices, stake 0, all checked\n');
head('gross', 'cheats on', 'saves', ...LENGTHS.map(String));
for (const liar of LIARS) {
  const own = liarPool(liar);
  for (const [place, share] of [
    ['all of it', 1],
    ['last half', 0.5],
    ['last quarter', 0.25],
  ] as const)
    for (const test of ['ours', 'ours, measured'] as const)
      row(
        `${percent(liar.gross)} %`,
        `${place} (${test})`,
        (MOST_SAVED * share).toFixed(1),
        ...LENGTHS.map((length) => {
          const { rejected, answers: of } = measure(TESTS[test], answers, SEED, (draws) =>
            drawAnswer(draws, length, honest, own, PLACES[place]),
          );
          return expectedGainOfCheating({
            saved: MOST_SAVED * share,
            rate: 1,
            detection: rejected / of,
            stake: 0,
            price: 1,
          }).toFixed(2);
        }),
      );
}
