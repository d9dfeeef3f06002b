import { chromium, type Page } from 'playwright';
import { serveHarness } from '#tests/browser/serve-harness';
import { browserLaunch } from '#tests/find-browser';
import type { EnginesHarness, Subject } from './engines.harness';

declare global {
  interface Window {
    engines: EnginesHarness;
  }
}

const MODULE = '/tests/bench/engines.harness.ts';

/** Knows its answers by heart; a context of 256 tokens. */
export const SPARK: Subject = { folder: '/static/models/spark/', question: 'what is a node' };
/** Writes varied text; a context of 512 tokens. */
export const LOOM: Subject = { folder: '/tests/models/loom/', question: 'write a short note on rivers' };

/** Runs with a page that has engines and no mesh, in a browser of its own; both are gone afterwards. */
export async function withEnginePage<T>(
  run: (page: Page) => Promise<T>,
  { flags = [], before }: { flags?: readonly string[]; before?: (page: Page) => Promise<void> } = {},
): Promise<T> {
  const server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
  const browser = await chromium.launch(browserLaunch(flags));
  try {
    const page = await browser.newPage();
    await before?.(page);
    await server.open(page, MODULE);
    return await run(page);
  } finally {
    await browser.close();
    await server.close();
  }
}
