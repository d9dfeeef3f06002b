import { MICROS_PER_CREDIT } from '#core/identity/economy-policy';
import type { Company, Figures, Spread } from './figures';

/** The figures of a whole run, as they lie in docs/spec/spending-simulated.json. */
export interface Simulated {
  readonly seed: number;
  readonly nodes: number;
  readonly jobsPerNode: number;
  readonly runs: readonly Figures[];
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const credits = (micros: number): string => (micros / MICROS_PER_CREDIT).toFixed(2);
const seconds = (ms: number): string => (ms < 10_000 ? (ms / 1_000).toFixed(1) : (ms / 1_000).toFixed(0));
const spread = (one: Spread | null): string =>
  one === null ? '–' : `${seconds(one.median)}, ${seconds(one.p95)}, ${seconds(one.most)}`;
const nameOf = ({ scenario, share }: Figures): string => `${scenario}, ${Math.round(100 * share)} %`;
const each = (runs: readonly Figures[], cells: (one: Figures) => readonly string[]): string[][] =>
  runs.map((one) => [nameOf(one), ...cells(one)]);

/** What is lost of all that honest payees worked for. */
export const lostShare = ({ paid, lostToForgers, lostToSilent, lostToHonest }: Figures): number => {
  const lost = lostToForgers.micros + lostToSilent.micros + lostToHonest.micros;
  return lost / Math.max(1, lost + paid.micros);
};

function spendsTable(runs: readonly Figures[], company: Company): string {
  return table(
    ['Run', 'Forgers', 'Tried', 'Both worked for', 'Two certificates', 'Both paid', 'Beyond limits'],
    each(runs, ({ spends }) => {
      const { forgers, tried, taken, certified, paidTwice, beyondLimitsMicros } = spends[company];
      return [
        String(forgers),
        String(tried),
        String(taken),
        String(certified),
        String(paidTwice),
        credits(beyondLimitsMicros),
      ];
    }),
  );
}

/** The tables of docs/spec/ledger.md, as text that Prettier still has to lay out. */
export function renderTables({ seed, nodes, jobsPerNode, runs }: Simulated): string {
  return [
    `${nodes} members, ${jobsPerNode} jobs asked for by each honest one, seed ${seed}. Amounts in credits, times in seconds.`,
    'What honest payees worked for: paid, and never to be paid by those who signed two histories, who went silent, and honest ones; the most that one payee lost to one payer without a certificate:',
    table(
      [
        'Run',
        'Paid',
        'Lost to forgers',
        'to silent',
        'to honest',
        'Share lost',
        'With a certificate',
        'Most by a pair',
      ],
      each(runs, (one) => [
        credits(one.paid.micros),
        credits(one.lostToForgers.micros),
        credits(one.lostToSilent.micros),
        credits(one.lostToHonest.micros),
        `${(100 * lostShare(one)).toFixed(1)} %`,
        credits(one.lostCertified.micros),
        credits(one.mostLostToOneMicros),
      ]),
    ),
    'Double spends by forgers with at most two liars among their seven witnesses, counted by places of their logs:',
    spendsTable(runs, 'upToTwo'),
    'By forgers with three liars and more:',
    spendsTable(runs, 'more'),
    'From the second history to the first proof and to the proof at the last honest node; and to the last from the end of the cut, for those told while it lasted (median, 95 %, most):',
    table(
      ['Run', 'Forgers', 'First proof', 'Last node', 'Last node, after the cut', 'Not everywhere'],
      each(runs, ({ toFirstProof, toLastProof, healedToLastProof, unproved }) => [
        String((toFirstProof?.count ?? 0) + unproved),
        spread(toFirstProof),
        spread(toLastProof),
        spread(healedToLastProof),
        String(unproved),
      ]),
    ),
    'What the cut costs honest nodes: jobs asked for and those that nobody could be paid for, in all and in the cut; how much later than its window work was paid, done in a whole and in a cut mesh; and what payees that did nothing were paid, who asked before and after they let the reservation go:',
    table(
      ['Run', 'Asked', 'Unpaid', 'In the cut', 'Unpaid', 'Late, whole', 'Late, cut', 'Grabbed before', 'Grabbed after'],
      each(runs, (one) => [
        String(one.asked),
        String(one.favours),
        String(one.askedCut),
        String(one.favoursCut),
        spread(one.delay),
        spread(one.delayCut),
        `${one.grabbed.before.jobs} of ${one.grabbed.before.tried}, ${credits(one.grabbed.before.micros)}`,
        `${one.grabbed.after.jobs} of ${one.grabbed.after.tried}, ${credits(one.grabbed.after.micros)}`,
      ]),
    ),
  ].join('\n\n');
}
