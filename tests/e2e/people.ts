import { expect, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from '@playwright/test';
import { base64, fromBase64 } from '#core/base/bytes';
import type { Signer } from '#core/base/ports';
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

export interface ArriveOptions {
  readonly context?: BrowserContextOptions;
  /** Runs before the page is opened: scripts that must be there first. */
  readonly before?: (page: Page) => Promise<unknown>;
}

export async function arrive(
  browser: Browser,
  url: string,
  { context: contextOptions, before }: ArriveOptions = {},
): Promise<PersonAtPage> {
  const context = await browser.newContext(contextOptions);
  const page = await context.newPage();
  const faults = await watchForFaults(page);
  await before?.(page);
  await page.goto(url);
  return { context, page, nodeId: await nodeReady(page), faults };
}

/** Within the app, as a person goes: a reload would end the node. */
export async function goTo(page: Page, href: string): Promise<void> {
  await page.evaluate((to) => {
    const link = document.createElement('a');
    link.href = to;
    document.body.append(link);
    link.click();
    link.remove();
  }, href);
  await page.waitForURL(`**${href}`);
}

/** Resolves when the page's node sees `count` peers that offer the capability. */
export const seesOffers = (page: Page, capability: string, count: number): Promise<unknown> =>
  page.waitForFunction(
    ([wanted, least]) =>
      window.tabmesh!.peers().filter((peer) => peer.state !== 'offline' && peer.capabilities.includes(wanted as string))
        .length >= (least as number),
    [capability, count] as const,
  );

/** Resolves when the page's node is linked with this peer. */
export const isLinkedWith = (page: Page, nodeId: string): Promise<unknown> =>
  page.waitForFunction(
    (wanted) => window.tabmesh!.peers().some((peer) => peer.nodeId === wanted && peer.state !== 'offline'),
    nodeId,
  );

/** Resolves when the page's node is online, in the community of this name if one is given. */
export const isOnline = (page: Page, community?: string): Promise<unknown> =>
  page.waitForFunction((name) => {
    const status = window.tabmesh!.status();
    return status.state === 'online' && (name === null || status.community.name === name);
  }, community ?? null);

export const statusOf = (page: Page) => page.evaluate(() => window.tabmesh!.status());
export const ledgerOf = (page: Page) => page.evaluate(() => window.tabmesh!.ledger());

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

/** A check takes three seconds at most: on a busy machine it may come too late, and the answer stays unchecked. */
const MOST_ASKED = 8;

/** Asks until somebody checked the answer. */
export async function askUntilChecked(...ask: Parameters<typeof askThrough>): ReturnType<typeof askThrough> {
  for (let asked = 0; asked < MOST_ASKED; asked++) {
    const done = await askThrough(...ask);
    if (done.answer.verdict !== 'unchecked') return done;
  }
  throw new Error('Nobody checked any of the answers.');
}

/** Signs with the key in the page's own profile, as whoever sits before it can. */
export const signerOf = ({ page, nodeId }: PersonAtPage): Signer => ({
  nodeId,
  async sign(bytes) {
    const text = await page.evaluate(async (payload) => {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open('tabmesh');
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error!);
      });
      const stores = [...database.objectStoreNames];
      const record = await new Promise<{ readonly privateKey: CryptoKey }>((resolve, reject) => {
        const asked = database.transaction(stores).objectStore('records').get('node/key');
        asked.onsuccess = () => resolve(asked.result as { readonly privateKey: CryptoKey });
        asked.onerror = () => reject(asked.error!);
      });
      database.close();
      const data = Uint8Array.from(atob(payload), (one) => one.charCodeAt(0));
      const signature = await crypto.subtle.sign('Ed25519', record.privateKey, data);
      return btoa(String.fromCharCode(...new Uint8Array(signature)));
    }, base64(bytes));
    return fromBase64(text)!;
  },
});

export async function expectNoFaults(...people: readonly PersonAtPage[]): Promise<void> {
  for (const person of people) expect(person.faults).toEqual([]);
}
