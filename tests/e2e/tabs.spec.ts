import { expect, test } from '@playwright/test';
import {
  arrive,
  contribute,
  expectNoFaults,
  isOnline,
  ledgerOf,
  statusOf,
  watchForFaults,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

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

test('one profile runs one node: a second tab waits, takes over, and goes on with the same ledger', async () => {
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
  await isOnline(first);

  await second.getByRole('button', { name: 'Use here' }).click();
  await second.waitForFunction((id) => window.tabmesh!.status().nodeId === id, person.nodeId);
  await expect(second.getByTestId('waiting-tab')).toBeHidden();
  await isOnline(second);
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
  await isOnline(first);
  expect((await statusOf(first)).nodeId).toBe(person.nodeId);
  await expectNoFaults(person);
});
