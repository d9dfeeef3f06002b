import { atMost, type Bench } from './bench';
import { LOOM, SPARK, withEnginePage } from './engine-page';
import type { LengthRow, Subject } from './engines.harness';
import { median, medianMs, rounded } from './figures';

/** What a check may cost of the answer that it checks, at 256 tokens. */
const MAX_CHECK_OVER_GENERATE = 0.1;

const MODELS: readonly { readonly name: string; readonly subject: Subject; readonly lengths: readonly number[] }[] = [
  { name: 'spark', subject: SPARK, lengths: [64, 240] },
  // With its prompt the longest fills the context of 512.
  { name: 'loom', subject: LOOM, lengths: [64, 256, 500] },
];

const ratioOf = (rows: readonly LengthRow[]): number =>
  rounded(median(rows.map(({ checkMs, generateMs }) => checkMs / generateMs)), 3);

/** The longer an answer, the cheaper its check: generating is a pass for each token, checking one pass over all. */
export const lengths: Bench = {
  name: 'lengths',
  title: 'Generate and check answers of several lengths',
  async run({ quick, say }) {
    const rounds = quick ? 1 : 9;
    const figures: Record<string, number> = { rounds };
    let at256 = 0;
    for (const { name, subject, lengths: wanted } of MODELS) {
      say(`${name}: ${wanted.join(', ')} tokens`);
      const found = await withEnginePage((page) =>
        page.evaluate(([which, long, times]) => window.engines.lengths(which, long, times), [
          subject,
          wanted,
          rounds,
        ] as const),
      );
      for (const rows of found) {
        const tokens = rows[0]!.tokens;
        const ratio = ratioOf(rows);
        if (name === 'loom' && tokens === 256) at256 = ratio;
        const key = `${name}${tokens}`;
        figures[`${key}GenerateMs`] = medianMs(rows.map(({ generateMs }) => generateMs));
        figures[`${key}CheckMs`] = medianMs(rows.map(({ checkMs }) => checkMs));
        figures[`${key}CheckOverGenerate`] = ratio;
      }
    }
    return {
      figures,
      bars: [atMost('check over generate, 256 tokens', at256, MAX_CHECK_OVER_GENERATE, '×')],
    };
  },
};
