import type { Bench } from './bench';
import { LOOM, withEnginePage } from './engine-page';
import { median, rounded } from './figures';

const TOKENS = 256;

/** What a draw by seed costs beside taking the likeliest token: generated and checked, in turns. */
export const draws: Bench = {
  name: 'draws',
  title: 'Drawing by seed over plain greedy, Loom',
  async run({ quick }) {
    const rounds = quick ? 2 : 12;
    const rows = await withEnginePage((page) =>
      page.evaluate(([which, tokens, times]) => window.engines.draws(which, tokens, times), [
        LOOM,
        TOKENS,
        rounds,
      ] as const),
    );
    const perToken = (ms: readonly number[]): number => rounded((median(ms) * 1000) / TOKENS, 1);
    return {
      figures: {
        rounds,
        tokensPerAnswer: TOKENS,
        greedyUsPerToken: perToken(rows.map((row) => row.greedyMs)),
        drawnUsPerToken: perToken(rows.map((row) => row.drawnMs)),
        drawnOverGreedy: rounded(median(rows.map((row) => row.drawnMs / row.greedyMs)), 3),
        greedyCheckUsPerToken: perToken(rows.map((row) => row.greedyCheckMs)),
        drawnCheckUsPerToken: perToken(rows.map((row) => row.drawnCheckMs)),
        drawnOverGreedyCheck: rounded(median(rows.map((row) => row.drawnCheckMs / row.greedyCheckMs)), 3),
      },
      bars: [],
    };
  },
};
