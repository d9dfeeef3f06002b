import { readFile } from 'node:fs/promises';
import { expect, test, type Page } from '@playwright/test';
import { withAxe } from './axe';
import { look } from './look';
import {
  arrive,
  askUntilChecked,
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

let app: AppServer;
let founder: PersonAtPage;
let oneMember: PersonAtPage;
let anotherMember: PersonAtPage;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  app = await serveApp();
  founder = await arrive(browser, `${app.origin}/community`, { before: withAxe });
});
test.afterAll(async () => {
  for (const one of [founder, oneMember, anotherMember]) await one?.context.close();
  await app?.close();
});

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
    const one = await arrive(browser, await page.evaluate(() => window.tabmesh!.invite({ uses: 1 })), {
      before: withAxe,
    });
    await isOnline(one.page, NAME);
    await isLinkedWith(one.page, founder.nodeId);
    await contribute(one.page);
    return one;
  };
  oneMember = await join();
  anotherMember = await join();
  await seesOffers(page, 'llm.chat@1', 2);
});

test('an answer that is paid for stands in the ledger as a line that can be verified, and the community can be audited', async () => {
  test.setTimeout(300_000);
  const { page } = founder;
  await place(page, 'Ask');
  const price = page.getByTestId('ask-price');
  await expect(price).toHaveText(/^An answer costs .* at most.* You pay .* at most\.$/);
  await look(page, 'ask');
  // Whoever came last may not have said yet what it asks: then it answers for nothing, and the question is asked again.
  let payee: string | undefined;
  await expect
    .poll(
      async () => {
        const { updates } = await askUntilChecked(page, QUESTION, { provider: 'mesh' });
        payee = updates.findLast((update) => update.type === 'reserved')?.expert;
        return payee;
      },
      { timeout: 120_000 },
    )
    .toBeDefined();
  // Chance decides which of the two is paid; whoever is cannot challenge its own work.
  const unpaid = payee === oneMember.nodeId ? anotherMember : oneMember;

  await place(page, 'Ledger');
  const card = page.getByTestId('balance');
  await expect(card.getByTestId('balance-limit')).toHaveText(/^9\d\d\.\d\d$/);
  const paid = page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Paid' });
  await expect(paid).not.toHaveCount(0);
  await look(page, 'ledger');

  // The newest: what was set aside for an answer that nobody checked in time was let go.
  await paid.first().click();
  const line = page.getByTestId('line-card');
  await expect(line.getByTestId('line-state')).toHaveText(/Reserved|Waiting|Released/);
  await line.getByRole('button', { name: 'Verify now' }).click();
  await expect(line.getByTestId('verify-outcome')).toHaveText('It holds: everything came to the same.');
  // Its own device finds the answer right, so there is nothing to challenge, and nothing is put up.
  const again = line.getByRole('button', { name: 'Look again', exact: true });
  await expect(again).toBeVisible();
  // What is asked for is known now: the line opens to its receipt, and to the way the answer took.
  const receipt = line.getByTestId('work-receipt');
  await receipt.getByText('Work receipt', { exact: true }).click();
  await expect(receipt.getByTestId('work-charge')).toHaveText(/^\d+\.\d+ credits$/);
  await expect(receipt.getByTestId('spend-key')).toHaveText(/^bafy\w+…\w{4}$/);
  const route = line.getByTestId('line-route');
  await route.getByText('Route', { exact: true }).click();
  await expect(route.getByTestId('route').getByText('Reserved', { exact: true })).toBeVisible();
  const packet = route.getByTestId('task-packet');
  await expect(packet).toContainText(QUESTION);
  await expect(packet).toContainText(/at most \d+\.\d+ credits for each that answers/);
  await look(page, 'opened');
  await again.click();
  await line.getByRole('button', { name: 'Look again here' }).click();
  await expect(line.getByTestId('look-outcome')).toContainText('This device finds it right');
  await expect(line.getByRole('button', { name: 'Challenge it' })).toHaveCount(0);
  await look(page, 'looked-again');

  // Another member that is given question and answer in a bundle may look at them as well.
  await line.getByRole('button', { name: 'Seal this', exact: true }).click();
  const seal = line.getByTestId('seal-panel');
  await seal.getByRole('checkbox', { name: 'Include the words of question and answer' }).check();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    seal.getByRole('button', { name: 'Seal and download' }).click(),
  ]);
  const bundle = await readFile(await download.path());
  await place(unpaid.page, 'Ledger');
  await unpaid.page.getByRole('link', { name: 'Verify evidence' }).click();
  await unpaid.page
    .getByLabel('Open a bundle')
    .setInputFiles({ name: 'bundle.car', mimeType: 'application/vnd.ipld.car', buffer: bundle });
  const contestable = unpaid.page.getByTestId('contestable');
  await expect(contestable).toContainText('any member may challenge it');
  await contestable.getByRole('button', { name: 'Look again here' }).click();
  await expect(contestable.getByTestId('look-outcome')).toContainText('This device finds it right');
  await look(unpaid.page, 'contestable');
  await page.getByRole('button', { name: 'Audit now' }).click();
  await expect(page.getByTestId('audit-outcome')).toHaveText('Everything came to the same.');
  await look(page, 'verified');

  await page.goto(`${app.origin}/community`);
  const witnesses = page.getByTestId('witnesses');
  await expect(witnesses.getByText(/You could name 3 members now, from 3 lines of invitations/)).toBeVisible();
  await witnesses.getByRole('button', { name: 'Name them as witnesses' }).click();
  await expect(witnesses.getByTestId('witnesses-now')).toHaveText(/^3 nodes named, in force from /);
  await look(page, 'witnesses');
  await witnesses.getByRole('button', { name: 'Name them as witnesses' }).click();
  await expect(witnesses.getByText('Nobody came since you last named witnesses')).toBeVisible();
  await expectNoFaults(founder, oneMember, anotherMember);
});
