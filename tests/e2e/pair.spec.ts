import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import {
  arrive,
  askThrough,
  contribute,
  expectNoFaults,
  isLinkedWith,
  isOnline,
  nodeReady,
  seesOffers,
  statusOf,
  watchForFaults,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

let app: AppServer;
let asker: PersonAtPage;
let worker: PersonAtPage;

/** The page works without the server from now on. */
const isKeptOffline = (page: Page) => page.waitForFunction(() => navigator.serviceWorker.controller !== null);

async function reopen(context: BrowserContext, path: string): Promise<{ page: Page; faults: string[] }> {
  const page = await context.newPage();
  const faults = await watchForFaults(page);
  await page.goto(`${app.origin}${path}`);
  return { page, faults };
}

const shownCode = (page: Page): Promise<string> => page.getByTestId('pairing-code').inputValue();

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  // One after the other, so that the two never met through the server.
  asker = await arrive(browser, app.origin);
  await isKeptOffline(asker.page);
  await asker.page.close();
  worker = await arrive(browser, app.origin);
  await isKeptOffline(worker.page);
  await contribute(worker.page);
  await app.stop();
  const { page, faults } = await reopen(asker.context, '/pair');
  await nodeReady(page);
  asker = { ...asker, page, faults };
});
test.afterAll(async () => {
  await asker?.context.close();
  await worker?.context.close();
  await app?.close();
});

test('two tabs link by codes that people carry over while the server is away, and one answers the other', async () => {
  await asker.page.waitForFunction(() => window.tabmesh!.status().state === 'offline');
  expect((await statusOf(asker.page)).peers).toBe(0);

  await asker.page.getByRole('button', { name: 'Show a code' }).click();
  const offer = await shownCode(asker.page);
  await expect(asker.page.getByRole('img', { name: /Pairing code/ })).toBeVisible();

  await worker.page.getByRole('link', { name: 'Community' }).first().click();
  await worker.page.getByRole('link', { name: 'Pair two devices' }).click();
  await worker.page.getByTestId('pairing-input').fill(offer);
  await worker.page.getByRole('button', { name: 'Answer it' }).click();
  const answer = await shownCode(worker.page);

  // A code that does not belong here leaves the offer as it was.
  await asker.page.getByTestId('pairing-input').fill('not a code');
  await asker.page.getByRole('button', { name: 'Link', exact: true }).click();
  await expect(asker.page.getByRole('alert')).toContainText('not a whole pairing code');
  expect(await shownCode(asker.page)).toBe(offer);

  // The answer is scanned by this device's own camera: it opens another tab, which passes it on.
  const { page: scanned } = await reopen(asker.context, `/pair#answer=${answer}`);
  await expect(scanned.getByTestId('passed-on')).toBeVisible();
  await expect(asker.page.getByTestId('paired')).toBeVisible();
  await expect(worker.page.getByTestId('paired')).toBeVisible();
  await scanned.close();

  await isLinkedWith(asker.page, worker.nodeId);
  await isLinkedWith(worker.page, asker.nodeId);
  const status = await statusOf(asker.page);
  expect(status.state).toBe('offline');
  expect(status.reason).toContain('Linked with 1 node');

  await seesOffers(asker.page, 'llm.chat@1', 1);
  const { answer: said } = await askThrough(asker.page, 'What is a receipt?', { provider: 'mesh' });
  expect(said.text.length).toBeGreaterThan(0);
  expect(said.experts).toEqual([worker.nodeId]);
  await expectNoFaults(asker, worker);
});

test('a device does not pair with itself, and a link that is opened takes its code in once', async () => {
  await worker.page.getByRole('button', { name: 'Pair another device' }).click();
  await worker.page.getByRole('button', { name: 'Show a code' }).click();
  const offer = await shownCode(worker.page);
  await worker.page.getByTestId('pairing-input').fill(offer);
  await worker.page.getByRole('button', { name: 'Link', exact: true }).click();
  await expect(worker.page.getByRole('alert')).toContainText('this very device');

  await asker.page.goto(`${app.origin}/pair#offer=${offer}`);
  await expect(asker.page.getByLabel('Your answer')).toBeVisible();
  expect(asker.page.url()).toBe(`${app.origin}/pair`);
});

test('a server that comes back finds both again', async () => {
  await app.start();
  for (const { page } of [asker, worker]) await isOnline(page);
  await isLinkedWith(asker.page, worker.nodeId);
  expect((await statusOf(asker.page)).peers).toBe(1);
});
