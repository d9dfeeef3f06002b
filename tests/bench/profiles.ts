import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright';
import { nodeReady, watchForFaults, type PersonAtPage } from '#tests/e2e/people';
import { browserLaunch } from '#tests/find-browser';

/**
 * A browser of its own with an empty profile on disk. A context within one browser keeps everything in memory, where a
 * strict commit costs nothing: figures from it would flatter.
 */
export async function openProfile(): Promise<{ readonly context: BrowserContext; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-bench-'));
  const context = await chromium.launchPersistentContext(folder, browserLaunch());
  return {
    context,
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Arrive = (url: string) => Promise<PersonAtPage>;

/** Runs with people who each come with a profile of their own; all of them are gone afterwards. */
export async function withPeople<T>(run: (arrive: Arrive) => Promise<T>): Promise<T> {
  const closes: (() => Promise<void>)[] = [];
  try {
    return await run(async (url) => {
      const { context, close } = await openProfile();
      closes.push(close);
      const page = context.pages()[0] ?? (await context.newPage());
      const faults = await watchForFaults(page);
      await page.goto(url);
      return { context, page, nodeId: await nodeReady(page), faults };
    });
  } finally {
    for (const close of closes) await close();
  }
}
