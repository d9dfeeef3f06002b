import { expect, type Browser, type BrowserContext, type Page } from '@playwright/test';
import type { PageApi } from '#node/page-api';

/** One person: a browser profile of their own with one page. */
export interface PersonAtPage {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly nodeId: string;
  /** Uncaught errors and violations of the content security policy, in words. */
  readonly faults: string[];
}

/** Waits until the page's own API is there and the node runs. */
export async function nodeReady(page: Page): Promise<string> {
  await page.waitForFunction(() => window.tabmesh !== undefined);
  await page.evaluate(() => window.tabmesh!.ready);
  return page.evaluate(() => window.tabmesh!.status().nodeId);
}

/** Collects what must never happen in any page. */
export async function watchForFaults(page: Page): Promise<string[]> {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`csp-violation ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  page.on('console', (message) => {
    if (message.text().startsWith('csp-violation')) faults.push(message.text());
  });
  return faults;
}

export async function arrive(browser: Browser, url: string): Promise<PersonAtPage> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const faults = await watchForFaults(page);
  await page.goto(url);
  return { context, page, nodeId: await nodeReady(page), faults };
}

/** Resolves when the page's node sees `count` peers that offer the capability. */
export const seesOffers = (page: Page, capability: string, count: number): Promise<unknown> =>
  page.waitForFunction(
    ([wanted, least]) =>
      window.tabmesh!.peers().filter((peer) => peer.state !== 'offline' && peer.capabilities.includes(wanted as string))
        .length >= (least as number),
    [capability, count] as const,
    { timeout: 30_000 },
  );

export const contribute = (page: Page): Promise<void> => page.evaluate(() => window.tabmesh!.contribute(true));

/** Asks through the page's API and gives back everything that came of it. */
export const askThrough = (page: Page, text: string, options: Parameters<PageApi['ask']>[1] = {}) =>
  page.evaluate(
    async ([question, how]) => {
      const run = window.tabmesh!.ask(question, how);
      const updates = [];
      for await (const update of run.updates) updates.push(update);
      return { updates, answer: await run.answer };
    },
    [text, options] as const,
  );

export async function expectNoFaults(...people: readonly PersonAtPage[]): Promise<void> {
  for (const person of people) expect(person.faults).toEqual([]);
}
