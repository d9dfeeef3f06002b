import type { Page } from 'playwright';
import { nodeReady } from '#tests/e2e/people';
import type { Bench } from './bench';
import { medianMs, rounded } from './figures';
import { openProfile, withPeople } from './profiles';

/** From the yes to contribute to the moment that others may ask: engine and model fetched, loaded, tested, warm. */
const contributeMs = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const startedMs = performance.now();
    await window.tabmesh!.contribute(true);
    return performance.now() - startedMs;
  });

async function open(page: Page, origin: string): Promise<void> {
  await page.goto(origin);
  await nodeReady(page);
  // Until it answers for the page, the service worker keeps no engine.
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

/**
 * Cold: a profile that never had the engine. Warm: the same profile comes back in a new page, and everything is fetched from
 * the browser's own caches into a new worker.
 */
export const loading: Bench = {
  name: 'loading',
  title: 'From yes to a warm Spark',
  async run({ origin, quick, say }) {
    const rounds = quick ? 1 : 7;
    const cold: number[] = [];
    const warm: number[] = [];
    const again: number[] = [];
    await withPeople(async (arrive) => {
      // The server compresses the engine for whoever comes first; that is nobody of those who are measured.
      const first = await arrive(origin);
      await contributeMs(first.page);
      for (let round = 0; round < rounds; round++) {
        say(`profile ${round + 1} of ${rounds}`);
        const { context, close } = await openProfile();
        try {
          const page = context.pages()[0] ?? (await context.newPage());
          await open(page, origin);
          cold.push(await contributeMs(page));
          await page.evaluate(() => window.tabmesh!.contribute(false));
          again.push(await contributeMs(page));
          await page.evaluate(() => window.tabmesh!.contribute(false));
          await open(page, origin);
          warm.push(await contributeMs(page));
        } finally {
          await close();
        }
      }
    });
    return {
      figures: {
        rounds,
        coldMs: medianMs(cold),
        coldWorstMs: Math.round(Math.max(...cold)),
        warmMs: medianMs(warm),
        warmWorstMs: Math.round(Math.max(...warm)),
        warmOverCold: rounded(medianMs(warm) / medianMs(cold), 3),
        stillLoadedMs: medianMs(again),
      },
      bars: [],
    };
  },
};
