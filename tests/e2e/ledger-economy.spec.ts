import { mkdir } from 'node:fs/promises';
import { expect, test, type Page } from '@playwright/test';
import { violationsOf, withAxe } from './axe';
import {
  arrive,
  askThrough,
  contribute,
  expectNoFaults,
  isLinkedWith,
  isOnline,
  seesOffers,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

const NAME = 'Baker Street';
const QUESTION = 'What is Tabmesh?';
/** Where pictures of the pages go, for whoever wants to look at them. */
const SHOTS = process.env['TABMESH_SHOTS'];

let app: AppServer;
let founder: PersonAtPage;
let worker: PersonAtPage;
let checker: PersonAtPage;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  app = await serveApp();
  founder = await arrive(browser, `${app.origin}/community`, { before: withAxe });
});
test.afterAll(async () => {
  for (const one of [founder, worker, checker]) await one?.context.close();
  await app?.close();
});

async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 844 });
      if (SHOTS !== undefined) {
        await mkdir(SHOTS, { recursive: true });
        await page.screenshot({ path: `${SHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
        0,
      );
    }
  }
}

const place = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name }).first().click();

test('a community whose members pay each other is founded by a box, and says so', async ({ browser }) => {
  test.setTimeout(300_000);
  const { page } = founder;
  await page.getByLabel('Its name').fill(NAME);
  await page.getByRole('checkbox', { name: 'Members pay each other in credits' }).check();
  await page.getByRole('button', { name: 'Create and switch to it' }).click();
  await isOnline(page, NAME);
  await expect(page.getByText('1000.00 credits')).toBeVisible();
  await expect(page.getByText('5.00 credits, out of the limit of who invites')).toBeVisible();
  await look(page, 'community');

  const join = async (): Promise<PersonAtPage> => {
    const one = await arrive(browser, await page.evaluate(() => window.tabmesh!.invite({ uses: 1 })));
    await isOnline(one.page, NAME);
    await isLinkedWith(one.page, founder.nodeId);
    await contribute(one.page);
    return one;
  };
  worker = await join();
  checker = await join();
  await seesOffers(page, 'llm.chat@1', 2);
});

test('an answer that is paid for stands in the ledger as a line that can be verified, and the community can be audited', async () => {
  test.setTimeout(300_000);
  const { page } = founder;
  await place(page, 'Ask');
  const price = page.getByTestId('ask-price');
  await expect(price).toHaveText(/^An answer costs .* at most.* You pay .* at most\.$/, { timeout: 60_000 });
  await look(page, 'ask');
  // Whoever came last may not have said yet what it asks: then it answers for nothing, and the question is asked again.
  await expect
    .poll(
      async () =>
        (await askThrough(page, QUESTION, { provider: 'mesh' })).updates.some(({ type }) => type === 'reserved'),
      { timeout: 120_000 },
    )
    .toBe(true);

  await place(page, 'Ledger');
  const card = page.getByTestId('balance');
  await expect(card.getByTestId('balance-limit')).toHaveText(/^9\d\d\.\d\d$/);
  await expect(page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Paid' })).toHaveCount(1);
  await look(page, 'ledger');

  await page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Paid' }).click();
  const line = page.getByTestId('line-card');
  await expect(line.getByTestId('line-state')).toHaveText(/Reserved|Waiting|Released/);
  await line.getByRole('button', { name: 'Verify now' }).click();
  await expect(line.getByTestId('verify-outcome')).toHaveText('It holds: everything came to the same.', {
    timeout: 60_000,
  });
  await page.getByRole('button', { name: 'Audit now' }).click();
  await expect(page.getByTestId('audit-outcome')).toHaveText('Everything came to the same.', { timeout: 60_000 });
  await look(page, 'verified');
  await expectNoFaults(founder, worker, checker);
});
