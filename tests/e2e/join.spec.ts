import { expect, test, type Page } from '@playwright/test';
import { serveHarness, type HarnessServer } from '../browser/serve-harness';
import {
  arrive,
  expectNoFaults,
  isLinkedWith,
  isOnline,
  ledgerOf,
  nodeReady,
  statusOf,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

const MODULE = '/tests/browser/hostile.harness.ts';
const NAME = 'Garden club';

let harness: HarnessServer;
let app: AppServer;
let founder: PersonAtPage;
let guest: PersonAtPage;
let guestLink: string;
const others: PersonAtPage[] = [];

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  harness = await serveHarness({ modules: [MODULE] });
  app = await serveApp({ server: { allowedOrigins: [harness.origin] } });
  founder = await arrive(browser, app.origin);
});
test.afterAll(async () => {
  for (const person of [founder, guest, ...others]) await person?.context.close();
  await app?.close();
  await harness?.close();
});

async function leave(person: PersonAtPage): Promise<void> {
  await expectNoFaults(person);
  await person.context.close();
  others.splice(others.indexOf(person), 1);
}

const invite = (page: Page, options: { uses?: number; days?: number } = {}) =>
  page.evaluate((wish) => window.tabmesh!.invite(wish), options);

/** Nobody had to fill in or confirm anything. */
async function expectNothingAsked(page: Page): Promise<void> {
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
}

test('a bare visit joins the open community, with no form and no click', async () => {
  await isOnline(founder.page);
  const status = await statusOf(founder.page);
  expect(status.community).toMatchObject({ id: app.server.communityId, open: true });
  await expectNothingAsked(founder.page);
  await expect(founder.page.getByTestId('ask-input')).toBeEditable();
});

test('an invitation to the open community brings a stranger there', async ({ browser }) => {
  const stranger = await arrive(browser, await invite(founder.page));
  others.push(stranger);
  await isOnline(stranger.page);
  await isLinkedWith(stranger.page, founder.nodeId);
  expect((await statusOf(stranger.page)).community.id).toBe(app.server.communityId);
  await expect(stranger.page.getByRole('heading', { name: /You are in/ })).toBeVisible();
  await leave(stranger);
});

test('a link made in a community of one’s own lets a stranger in at once, and a reload takes no second use', async ({
  browser,
}) => {
  const { page } = founder;
  await page.goto(`${app.origin}/community`);
  await nodeReady(page);
  await page.getByLabel('Its name').fill(NAME);
  await page.getByRole('button', { name: 'Create and switch to it' }).click();
  await isOnline(page, NAME);
  await page.getByLabel('For how many').selectOption('1');
  await page.getByRole('button', { name: 'Make an invite link' }).click();
  guestLink = await page.getByTestId('invite-link').inputValue();
  expect(new URL(guestLink).pathname).toBe('/join');
  expect(new URL(guestLink).search).toBe('');
  await expect(page.getByRole('img', { name: /Code for the invite link/ })).toBeVisible();

  const asked: string[] = [];
  guest = await arrive(browser, guestLink, {
    before: async (opened) => opened.on('request', (request) => asked.push(request.url())),
  });
  await isOnline(guest.page, NAME);
  await isLinkedWith(guest.page, founder.nodeId);
  await isLinkedWith(founder.page, guest.nodeId);
  await expect(guest.page.getByRole('heading', { name: `You are in ${NAME}` })).toBeVisible();
  await expectNothingAsked(guest.page);
  // The secret behind the # stays in the browser.
  const secret = new URL(guestLink).hash.slice(3);
  expect(asked.filter((url) => url.includes(secret.slice(0, 40)) && !url.includes('#'))).toEqual([]);

  await guest.page.reload();
  expect(await nodeReady(guest.page)).toBe(guest.nodeId);
  await isOnline(guest.page, NAME);
  await isLinkedWith(guest.page, founder.nodeId);
  await guest.page.goto(app.origin);
  await nodeReady(guest.page);
  await isOnline(guest.page, NAME);
  await expectNoFaults(founder, guest);
});

test('the invitation names who invited', async () => {
  await guest.page.goto(guestLink);
  await nodeReady(guest.page);
  await isOnline(guest.page, NAME);
  const [words] = (await statusOf(founder.page)).name.split(' ');
  await expect(guest.page.getByRole('main')).toContainText(words!);
});

test('an invitation for one is refused to a second person, in one sentence', async ({ browser }) => {
  const second = await arrive(browser, guestLink);
  others.push(second);
  await expect(
    second.page.getByText('This invitation was used as often as it allows; ask for a new one.').first(),
  ).toBeVisible();
  expect((await statusOf(second.page)).peers).toBe(0);
  await leave(second);
});

test('an invitation opened while the server is away is kept through a reload and taken up when it is back', async ({
  browser,
}) => {
  const link = await invite(founder.page);
  const late = await arrive(browser, app.origin);
  others.push(late);
  await isOnline(late.page);
  // From now on the page opens without the server.
  await late.page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await app.stop();
  try {
    await late.page.goto(link);
    await nodeReady(late.page);
    await expect(late.page.getByText('The invitation is kept here')).toBeVisible();
    await late.page.waitForFunction(() => window.tabmesh!.status().state === 'offline');
    await late.page.goto(`${app.origin}/`);
    await nodeReady(late.page);
    await late.page.goto(`${app.origin}/join`);
    await nodeReady(late.page);
    await expect(late.page.getByText('The invitation is kept here')).toBeVisible();
  } finally {
    await app.start();
  }
  await isOnline(late.page, NAME);
  await expect(late.page.getByRole('heading', { name: `You are in ${NAME}` })).toBeVisible();
  await isLinkedWith(late.page, founder.nodeId);
  await leave(late);
});

test('an expired or garbled link is one clear sentence and changes nothing', async ({ browser }) => {
  const expired = await invite(founder.page, { days: 1e-8 });
  const visitor = await arrive(browser, app.origin);
  others.push(visitor);
  await isOnline(visitor.page);
  const before = { status: await statusOf(visitor.page), ledger: await ledgerOf(visitor.page) };
  const good = new URL(await invite(founder.page)).hash.slice(3);
  const middle = Math.floor(good.length / 2);
  const flipped = good.slice(0, middle) + (good[middle] === 'A' ? 'B' : 'A') + good.slice(middle + 1);
  for (const [link, sentence] of [
    [expired, /expired/],
    [`${app.origin}/join#i=${flipped}`, /damaged|not signed/],
    [`${app.origin}/join#i=abc`, /damaged/],
    [`${app.origin}/join#i=${'A'.repeat(100_000)}`, /too long/],
  ] as const) {
    await visitor.page.goto(app.origin);
    await visitor.page.goto(link);
    await nodeReady(visitor.page);
    await expect(visitor.page.getByRole('alert').first()).toContainText(sentence);
    await expect(visitor.page.getByRole('alert').first()).not.toContainText(/\[object|undefined/);
    await isOnline(visitor.page);
    const after = await statusOf(visitor.page);
    expect([after.nodeId, after.community]).toEqual([before.status.nodeId, before.status.community]);
    expect(await ledgerOf(visitor.page)).toEqual(before.ledger);
  }
  await leave(visitor);
});

test('who is no member is refused by the members themselves', async ({ browser }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await harness.open(page, MODULE);
  const room = (await statusOf(founder.page)).community.id;
  const outcome = await page.evaluate((at) => window.hostile.knock(at), {
    serverUrl: app.origin,
    room,
    victim: founder.nodeId,
  });
  expect(outcome).toEqual({ how: 'goodbye', code: 'not_a_member' });
  expect((await statusOf(founder.page)).community.name).toBe(NAME);
  await context.close();
  await expectNoFaults(founder, guest);
});
