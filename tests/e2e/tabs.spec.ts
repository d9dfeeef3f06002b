import { expect, test } from '@playwright/test';
import { arrive, contribute, expectNoFaults, ledgerOf, statusOf, watchForFaults, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

const HAND_OVER_MS = 2_000;

let app: AppServer;
let person: PersonAtPage;
test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  person = await arrive(browser, app.origin);
});
test.afterAll(async () => {
  await person?.context.close();
  await app?.close();
});

test('one profile runs one node: a second tab waits, takes over within two seconds, and goes on with the same ledger', async () => {
  const first = person.page;
  await contribute(first);
  await first.evaluate(() => window.tabmesh!.contribute(false));
  const before = await ledgerOf(first);
  expect(before.entries.length).toBeGreaterThan(0);

  const second = await person.context.newPage();
  const faults = await watchForFaults(second);
  await second.goto(app.origin);
  await expect(second.getByTestId('waiting-tab')).toBeVisible();
  expect((await statusOf(second)).state).toBe('waiting');
  expect((await statusOf(first)).state).toBe('online');

  const clickedAt = Date.now();
  await second.getByRole('button', { name: 'Use here' }).click();
  await second.waitForFunction((id) => window.tabmesh!.status().nodeId === id, person.nodeId, { polling: 20 });
  expect(Date.now() - clickedAt).toBeLessThan(HAND_OVER_MS);
  await expect(second.getByTestId('waiting-tab')).toBeHidden();
  await second.waitForFunction(() => window.tabmesh!.status().state === 'online');
  await expect(first.getByTestId('waiting-tab')).toBeVisible();
  expect((await statusOf(first)).state).toBe('waiting');

  const after = await ledgerOf(second);
  expect(after.entries.slice(0, before.entries.length)).toEqual(before.entries);
  await contribute(second);
  const continued = await ledgerOf(second);
  expect(continued.entries.slice(0, after.entries.length)).toEqual(after.entries);
  expect(continued.entries.length).toBeGreaterThan(after.entries.length);
  expect(faults).toEqual([]);
  await expectNoFaults(person);

  // The tab that waits gets its turn when the other one is closed.
  await second.close();
  await first.waitForFunction(() => window.tabmesh!.status().state === 'online');
  expect((await statusOf(first)).nodeId).toBe(person.nodeId);
  await expectNoFaults(person);
});
