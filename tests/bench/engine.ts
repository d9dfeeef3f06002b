import { chromium } from 'playwright';
import type { EngineHarness } from '#tests/browser/engine.harness';
import { serveHarness } from '#tests/browser/serve-harness';
import { browserLaunch } from '#tests/find-browser';
import type { Bench } from './bench';
import { median, medianMs, rounded } from './figures';
import { QUESTIONS } from './questions';

const MODULE = '/tests/browser/engine.harness.ts';

/** The model in its Web Worker with no mesh around it: what an answer costs, and what checking that answer costs. */
export const engine: Bench = {
  name: 'engine',
  title: 'Spark alone: check over generate',
  async run({ quick }) {
    const rounds = quick ? 1 : 10;
    const server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
    const browser = await chromium.launch(browserLaunch());
    try {
      const page = await browser.newPage();
      await server.open(page, MODULE);
      const questions = Array.from({ length: rounds }, () => QUESTIONS).flat();
      const rows = await page.evaluate(
        (asked) => (window as unknown as { engine: EngineHarness }).engine.measure(asked),
        questions,
      );
      return {
        figures: {
          answers: rows.length,
          tokensPerAnswer: median(rows.map((row) => row.tokens)),
          generateMs: medianMs(rows.map((row) => row.generateMs)),
          tokensPerSecond: rounded(
            median(rows.map((row) => ((row.tokens - 1) * 1000) / (row.generateMs - row.firstTokenMs))),
            1,
          ),
          checkMs: medianMs(rows.map((row) => row.checkMs)),
          checkOverGenerate: rounded(median(rows.map((row) => row.checkMs / row.generateMs)), 3),
        },
        bars: [],
      };
    } finally {
      await browser.close();
      await server.close();
    }
  },
};
