import { expect, test } from '@playwright/test';
import { CONDITIONS } from '../simulation/liars/conditions';
import { figuresOf, type Figures } from '../simulation/liars/figures';
import { rejectedOf } from '../simulation/liars/render';
import type { LiarsHarness } from '../simulation/liars/liars.harness';
import { serveHarness, type HarnessServer } from './serve-harness';

declare global {
  interface Window {
    liars: LiarsHarness;
  }
}

const MODULE = '/tests/simulation/liars/liars.harness.ts';
/** A sample of `npm run experiments:liars` with real models: the same seed asks the same questions. */
const SEED = 20_261_129;
/** What takes this long hangs. */
const HANG_MS = 600_000;
/** Between a run token by token and one pass, sums differ in their last bits. */
const HONEST_MARGIN = 0.02;

/**
 * How many answers of a kind of liar are judged, and how many lies may pass. By docs/spec/checking.md fewer than 1 of 1,000
 * samples would have more; the seed fixes the sample, so that chance has no part in it.
 */
const LIARS: readonly (readonly [condition: string, answers: number, mayPass: number])[] = [
  ['loom-tiny: all of it', 10, 1],
  ['loom-tiny: last half', 10, 1],
  ['loom-tiny: last quarter', 10, 2],
  ['loom-mid: all of it', 10, 1],
  ['loom-mid: last quarter', 10, 2],
  ['wrong seed', 3, 0],
  ['ignored seed', 3, 0],
  ['copied answer', 2, 0],
  ['pre-fill, the best of 3 drafts: loom-tiny', 3, 1],
  ['forged ids: 1 any', 10, 1],
  ['forged ids: 4 any', 4, 0],
  ['forged ids: 4 likely', 4, 1],
  ['cut off at half, says stop', 6, 1],
  ['cut off at half, says stop_without_end', 6, 0],
  ['cut off at half, says length', 6, 0],
];

let server: HarnessServer;
test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
});
test.afterAll(() => server.close());

test('with real models every honest answer passes the check, and liars of every kind are caught', async ({ page }) => {
  test.setTimeout(HANG_MS);
  await server.open(page, MODULE);
  const judge = async (name: string, answers: number): Promise<Figures> => {
    const indices = Array.from({ length: answers }, (_, index) => index);
    const rows = await page.evaluate(([which, some, seed]) => window.liars.judge(which, some, seed), [
      name,
      indices,
      SEED,
    ] as const);
    return figuresOf(
      CONDITIONS.find((one) => one.name === name)!,
      rows,
    );
  };

  for (const [name, answers] of [
    ['honest: long', 10],
    ['honest: mixed', 40],
  ] as const) {
    const figures = await judge(name, answers);
    expect(figures.verdicts, name).toEqual({ accepted: answers });
    expect(figures.worstMilli / 1_000, name).toBeLessThan(HONEST_MARGIN);
  }
  for (const [name, answers, mayPass] of LIARS) {
    const figures = await judge(name, answers);
    const passed = figures.answers - rejectedOf(figures);
    expect(figures.answers, `${name}: lies`).toBeGreaterThan(0);
    expect(passed, `${name}: ${JSON.stringify(figures.verdicts)}`).toBeLessThanOrEqual(mayPass);
    // As far from the model as published pairs are, so that what is caught here says something about them.
    if (name.startsWith('loom-')) expect(figures.own.gross / figures.own.tokens, name).toBeGreaterThan(0.1);
  }
});
