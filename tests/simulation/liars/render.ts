import { auditRate, expectedGainOfCheating } from '#core/experts/audit';
import { wilson } from '#tests/simulation/checking/power';
import { clopperPearson } from './clopper-pearson';
import { CONDITIONS, DIVERGENCE, isHonest, type Condition } from './conditions';
import { MOST_ANSWERS, type UntilCaught } from './until-caught';
import { LENGTHS, POSITIONS, type Figures, type Judged } from './figures';

/** The figures of a whole run, as they lie in docs/spec/checking-measured.json. */
export interface Measured {
  readonly seed: number;
  /** Hashes of the models that wrote and scored, by folder. */
  readonly models: Readonly<Record<string, string>>;
  readonly figures: readonly Figures[];
  /** Of nodes that lie always, or in one answer of five, by condition of the lie. */
  readonly caught: readonly Caught[];
}

export interface Caught {
  readonly condition: string;
  readonly share: number;
  readonly measured: UntilCaught;
  readonly cautious: UntilCaught;
}

/** Stakes for which the worth of a lie is told, in prices; whoever answered often enough and well is checked accordingly. */
const STAKES = [0, 9, 35] as const;

const percent = (share: number): string => (100 * share).toFixed(1);
const withInterval = (hits: number, of: number): string => {
  if (of === 0) return '–';
  const [low, high] = wilson(hits, of);
  return `${percent(hits / of)} (${percent(low)} to ${percent(high)})`;
};
const both = ({ answers, measured, cautious }: Judged): string =>
  answers === 0 ? '–' : `${percent(measured / answers)} (${percent(cautious / answers)})`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const conditionOf = ({ condition }: Figures): Condition => CONDITIONS.find(({ name }) => name === condition)!;
export const rejectedOf = ({ verdicts }: Figures): number =>
  Object.entries(verdicts).reduce((sum, [word, count]) => (word.startsWith('rejected') ? sum + count : sum), 0);

const ownShare = ({ own }: Figures, hits: number): string =>
  own.tokens === 0 ? '–' : `${((100 * hits) / own.tokens).toFixed(hits / own.tokens < 0.01 ? 2 : 1)} %`;

function honestTable(figures: readonly Figures[]): string {
  return table(
    ['Honest answers', 'Answers', 'Tokens', 'Tokens with any margin', 'Largest margin', 'Rejected', 'Rate, 95 %'],
    figures.map((one) => {
      const [low, high] = clopperPearson(rejectedOf(one), one.answers);
      return [
        one.condition.replace('honest: ', ''),
        String(one.answers),
        String(one.tokens),
        String(one.own.missed),
        (one.worstMilli / 1_000).toFixed(3),
        String(rejectedOf(one)),
        `${low === 0 ? '0' : low.toExponential(1)} to ${high.toExponential(1)}`,
      ];
    }),
  );
}

const liarTable = (figures: readonly Figures[]): string =>
  table(
    ['Liar', 'Own tokens: gross', 'soft', 'Answers', 'Rejected', 'Whole ones of 256', 'the same, cautious'],
    figures.map((one) => [
      one.condition,
      ownShare(one, one.own.gross),
      ownShare(one, one.own.soft),
      String(one.answers),
      withInterval(rejectedOf(one), one.answers),
      withInterval(one.whole.measured, one.whole.answers),
      withInterval(one.whole.cautious, one.whole.answers),
    ]),
  );

const powerTable = (
  figures: readonly Figures[],
  columns: readonly number[],
  by: (figures: Figures) => Readonly<Record<string, Judged>>,
): string =>
  table(
    ['Liar', ...columns.map(String)],
    figures.map((one) => [one.condition, ...columns.map((column) => both(by(one)[String(column)]!))]),
  );

function worthTable(figures: readonly Figures[]): string {
  return table(
    [
      'Liar',
      'Saves',
      'Seen',
      ...STAKES.map((stake) => (stake === 0 ? 'Nothing at stake' : `Stake of ${stake}`)),
      'Cautious, nothing',
    ],
    figures.map((one) => {
      const saved = conditionOf(one).saves;
      const seen = rejectedOf(one) / one.answers;
      const worth = (detection: number, stake: number): string => {
        const rate = auditRate({ counted: 1e6, stake, price: 1 });
        return expectedGainOfCheating({ saved, rate, detection, stake, price: 1 }).toFixed(2).replace('-', '−');
      };
      const { answers, cautious } = one.whole;
      return [
        one.condition,
        saved.toFixed(2),
        `${percent(seen)} %`,
        ...STAKES.map((stake) => worth(seen, stake)),
        answers === 0 ? '–' : worth(cautious / answers, 0),
      ];
    }),
  );
}

function caughtTable(caught: readonly Caught[]): string {
  const cell = ({ median, within10, within50, nodes }: UntilCaught): string =>
    `${median > MOST_ANSWERS ? `over ${MOST_ANSWERS}` : median}; ${percent(within10 / nodes)} %, ${percent(within50 / nodes)} %`;
  return table(
    ['Liar', 'Lies in', 'Measured limits', 'Cautious limits'],
    caught.map(({ condition, share, measured, cautious }) => [
      condition,
      share === 1 ? 'every answer' : 'one answer in five',
      cell(measured),
      cell(cautious),
    ]),
  );
}

/** The tables of docs/spec/checking.md, as text that Prettier still has to lay out. */
export function renderTables({ figures, caught, seed }: Measured): string {
  const honest = figures.filter(({ condition }) => isHonest(condition));
  const liars = figures.filter(({ condition }) => !isHonest(condition));
  const scored = liars.filter(({ byLength }) => Object.keys(byLength).length > 0);
  return [
    `Seed ${seed}.`,
    honestTable(honest),
    'Liars, in percent of their answers, with 95 % intervals (Wilson):',
    liarTable(liars),
    'By length of the answer, the liar having the same part of it; measured limits, cautious ones in brackets:',
    powerTable(scored, LENGTHS, ({ byLength }) => byLength),
    'By how many positions of an answer of 256 tokens are looked at:',
    powerTable(scored, POSITIONS, ({ byPositions }) => byPositions),
    'Checked answers until a node is caught, by one answer or by its record (median; caught within 10, within 50):',
    caughtTable(caught),
    'What a lie is worth, in prices per answer that holds one:',
    worthTable(liars),
  ].join('\n\n');
}

/** Full-time liars by how far they are from Loom, the nearest first. */
export const byDivergence = (
  figures: readonly Figures[],
): readonly { readonly nats: number; readonly name: string; readonly figures: Figures }[] =>
  Object.entries(DIVERGENCE)
    .flatMap(([name, nats]) => {
      const found = figures.find(({ condition }) => condition === `${name}: all of it`);
      return found === undefined ? [] : [{ nats, name, figures: found }];
    })
    .sort((a, b) => a.nats - b.nats);
