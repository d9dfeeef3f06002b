import { expect, test } from '@playwright/test';
import {
  arrive,
  askUntilChecked,
  contribute,
  expectNoFaults,
  isLinkedWith,
  isOnline,
  seesOffers,
  statusOf,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

let app: AppServer;
let asker: PersonAtPage;
let worker: PersonAtPage;
let checker: PersonAtPage;
let newcomer: PersonAtPage | null = null;
const everyone = () => [asker, worker, checker];

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  asker = await arrive(browser, app.origin);
  worker = await arrive(browser, app.origin);
  checker = await arrive(browser, app.origin);
  await contribute(worker.page);
  await contribute(checker.page);
  await seesOffers(asker.page, 'llm.chat@1', 2);
});
test.afterAll(async () => {
  for (const person of [...everyone(), newcomer]) await person?.context.close();
  await app?.close();
});

test('links live on and a question is answered while the signaling server is down', async () => {
  // What an answer needs of the app comes from the page's own store by then: until that is filled the server is needed for it.
  for (const { page } of everyone()) await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await app.stop();
  expect(app.server.health().status).toBe('draining');
  for (const { page } of everyone()) {
    await page.waitForFunction(() => window.tabmesh!.status().state === 'offline');
    expect((await statusOf(page)).peers).toBe(2);
  }
  await expect(asker.page.getByTestId('duty')).toContainText('Offline');
  const { answer } = await askUntilChecked(asker.page, 'What is a receipt?', { provider: 'mesh' });
  expect(answer.verdict).toBe('accepted');
  expect([...answer.experts, ...answer.validators].sort()).toEqual([worker.nodeId, checker.nodeId].sort());
});

test('everyone finds the restarted server again, and a newcomer is linked with all of them', async ({ browser }) => {
  await app.start();
  for (const { page } of everyone()) await isOnline(page);
  newcomer = await arrive(browser, app.origin);
  for (const { nodeId, page } of everyone()) {
    await isLinkedWith(newcomer.page, nodeId);
    expect((await statusOf(page)).nodeId).toBe(nodeId);
  }
  expect(app.server.health().connections).toBe(4);
  await seesOffers(newcomer.page, 'llm.chat@1', 2);
  await expectNoFaults(...everyone(), newcomer);
});
