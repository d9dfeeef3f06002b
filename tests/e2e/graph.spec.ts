import { expect, test, type Page } from '@playwright/test';
import { withAxe } from './axe';
import { look } from './look';
import { arrive, expectNoFaults, goTo, isLinkedWith, isOnline, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

const NAME = 'Scriptorium';
const CLAIM = 'The bundle of the first question verifies.';
const REASON = 'Its second seal is missing.';
const BUNDLE = `bafyrei${'a'.repeat(52)}`;

let app: AppServer;
let claimer: PersonAtPage;
let other: PersonAtPage;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  claimer = await arrive(browser, `${app.origin}/community`, { before: withAxe });
  const { page } = claimer;
  await page.getByLabel('Its name').fill(NAME);
  await page.getByRole('checkbox', { name: 'Members pay each other in credits' }).check();
  await page.getByRole('button', { name: 'Create and switch to it' }).click();
  await isOnline(page, NAME);
  other = await arrive(browser, await page.evaluate(() => window.tabmesh!.invite({ uses: 1 })));
  await isOnline(other.page, NAME);
  await isLinkedWith(other.page, claimer.nodeId);
});
test.afterAll(async () => {
  for (const one of [claimer, other]) await one?.context.close();
  await app?.close();
});

const standing = (page: Page) => page.getByTestId('graph-standing');
const edges = (page: Page) => page.getByTestId('graph-edges').getByRole('listitem');

test('while it is off no menu names it, and its page shows nothing but the way to switch it on', async () => {
  const { page } = claimer;
  await goTo(page, '/more');
  await expect(page.getByRole('link', { name: /Limits/ }).first()).toBeVisible();
  await expect(page.getByRole('link', { name: /Evidence graph/ })).toHaveCount(0);
  await goTo(page, '/graph');
  await expect(page.getByText('an experiment, and switched off')).toBeVisible();
  await expect(page.getByTestId('graph-form')).toHaveCount(0);
  for (const person of [claimer, other]) {
    await goTo(person.page, '/settings');
    await person.page.getByRole('checkbox', { name: 'Evidence graph (experimental)' }).check();
    await goTo(person.page, '/more');
    await person.page.getByRole('link', { name: /Evidence graph/ }).click();
    await expect(person.page.getByText('Nobody has claimed anything yet.')).toBeVisible();
  }
});

test('what one tab claims another attests, then disputes; both show the same standing and provenance', async () => {
  const form = claimer.page.getByTestId('graph-form');
  await form.getByLabel('What you claim, in one sentence').fill(CLAIM);
  await form.getByLabel('About any content id').fill(BUNDLE);
  await form.getByRole('button', { name: 'Add' }).click();
  await form.getByRole('button', { name: 'Sign this claim' }).click();
  await expect(standing(claimer.page)).toHaveText('Undisputed');
  await expect(claimer.page.getByText('This is your own claim')).toBeVisible();

  await other.page.getByTestId('graph-claims').getByRole('link', { name: CLAIM }).click();
  await expect(standing(other.page)).toHaveText('Undisputed');
  await other.page.getByRole('button', { name: 'Attest' }).click();
  for (const { page } of [other, claimer]) {
    await expect(standing(page)).toHaveText('Attested by 1');
    await expect(edges(page)).toHaveCount(2);
  }

  await other.page.getByLabel('Evidence, by content id').fill(`bafyrei${'b'.repeat(52)}`);
  await other.page.getByLabel('Why it is wrong, in one sentence').fill(REASON);
  await other.page.getByRole('button', { name: 'Dispute' }).click();
  for (const { page } of [other, claimer]) {
    await expect(standing(page)).toHaveText('Disputed by 1');
    await expect(edges(page)).toHaveCount(3);
    await expect(page.getByTestId('graph-drawing').locator('g')).toHaveCount(4);
  }
  const told = await Promise.all([other, claimer].map(({ page }) => edges(page).allInnerTexts()));
  expect(told[0]).toEqual(told[1]);
  expect(told[0]!.join('\n')).toContain(REASON);
  await look(claimer.page, 'graph');
  await expectNoFaults(claimer, other);
});
