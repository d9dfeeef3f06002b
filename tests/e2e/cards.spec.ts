import { expect, test } from '@playwright/test';
import { arrive, contribute, expectNoFaults, isLinkedWith, seesOffers, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

let app: AppServer;
let host: PersonAtPage;
let guest: PersonAtPage;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  host = await arrive(browser, `${app.origin}/contribute`, { context: { timezoneId: 'America/Lima' } });
  guest = await arrive(browser, `${app.origin}/mesh`);
  await isLinkedWith(guest.page, host.nodeId);
});
test.afterAll(async () => {
  for (const person of [host, guest]) await person?.context.close();
  await app?.close();
});

const askForCards = (person: PersonAtPage, provider: string) =>
  person.page.evaluate(
    (node) =>
      window
        .tabmesh!.call('node.cards@1', {}, { provider: node })
        .then((papers) => papers as { readonly card: unknown; readonly advertisements: readonly unknown[] })
        .catch((error: { code: string }) => error.code),
    provider,
  );

test('before the yes a node shows nobody a card, itself included', async () => {
  expect(typeof (await askForCards(guest, host.nodeId))).toBe('string');
  expect(await askForCards(host, host.nodeId)).toEqual({ card: null, advertisements: [] });
  await expect(host.page.getByTestId('own-card')).toContainText('Others see no card of this node');
  await expect(host.page.getByTestId('price')).toContainText('0.017 credits per 1,000 tokens');
});

test('after the yes another tab opens the card and sees roles, rates and who signed until when', async () => {
  await contribute(host.page);
  await seesOffers(guest.page, 'llm.chat@1', 1);
  const own = host.page.getByTestId('own-card');
  await expect(own.getByTestId('offer')).toContainText('Offer: Spark');

  await guest.page.getByTestId('open-card').click();
  const card = guest.page.getByTestId('host-card');
  await expect(card).toContainText('Earns with answers and checks');
  await expect(card).toContainText('8 jobs, 24 hours a day');
  await expect(card).toContainText('America');
  await expect(card).not.toContainText('Lima');
  await expect(card).toContainText('capacity probe receipt');
  await expect(card).toContainText('Signed by');
  await expect(card).toContainText(/in (23|24) hours|in 1 day/);
  const offer = card.getByTestId('offer');
  await expect(offer).toContainText('0.017 credits per 1,000 tokens');
  await expect(offer).toContainText(/writes [\d.,]+ tokens\/s; not evaluated yet; MIT/);
});

test('a price that the person chose is what the other tab sees', async () => {
  await host.page.getByLabel('Credits per 1,000 tokens').fill('0.25');
  await host.page.getByLabel('Credits for a job at least').fill('0.001');
  await host.page.getByLabel('Credits for a job at least').blur();
  await expect(host.page.getByTestId('own-card')).toContainText('0.25 credits per 1,000 tokens');
  await guest.page.getByTestId('open-card').click();
  const offer = guest.page.getByTestId('host-card').getByTestId('offer');
  await expect(offer).toContainText('0.25 credits per 1,000 tokens');
  await expect(offer).toContainText('0.001 credits');

  await host.page.getByLabel('Credits per 1,000 tokens').fill('0');
  await host.page.getByLabel('Credits per 1,000 tokens').blur();
  await expect(host.page.getByTestId('own-card')).toContainText('free');
  await host.page.getByRole('button', { name: 'Ask for that' }).click();
  await expect(host.page.getByTestId('own-card')).toContainText('0.017 credits per 1,000 tokens');
});

test('published schemas are served beside the app', async () => {
  const response = await guest.context.request.get(`${app.origin}/schemas/node-card.v1.json`);
  expect(response.headers()['content-type']).toContain('application/json');
  expect(await response.json()).toMatchObject({ $id: '/schemas/node-card.v1.json', title: 'Node card' });
  const missing = await guest.context.request.get(`${app.origin}/schemas/no-such-card.v1.json`);
  expect(missing.status()).toBe(404);
});

test('after the no the card is gone', async () => {
  await host.page.getByRole('button', { name: 'Stop contributing' }).click();
  await expect(host.page.getByTestId('own-card')).toContainText('Others see no card of this node');
  await expect(guest.page.getByTestId('open-card')).toHaveCount(0);
  expect(typeof (await askForCards(guest, host.nodeId))).toBe('string');
  await expectNoFaults(host, guest);
});
