import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { withAxe } from './axe';
import { look } from './look';
import {
  arrive,
  askUntilChecked,
  contribute,
  expectNoFaults,
  goTo,
  isLinkedWith,
  isOnline,
  ledgerOf,
  nodeReady,
  seesOffers,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

let app: AppServer;
/** Founds the community, and is a curator as the other two are. */
let founder: PersonAtPage;
let giver: PersonAtPage;
let other: PersonAtPage;
const everyone = (): PersonAtPage[] => [founder, giver, other];

const KNOWLEDGE = {
  name: 'bread.md',
  mimeType: 'text/markdown',
  buffer: Buffer.from('# Bread\n\nFlour, water, salt, time.\n'),
};
const SKILL = { ...KNOWLEDGE, name: 'skill.md', buffer: Buffer.from('# Answering about this app\n') };
const CASES = { name: 'cases.json', mimeType: 'application/json', buffer: Buffer.from('[{"ask":"What is bread?"}]') };

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ browser }) => {
  app = await serveApp();
  const before = (page: Parameters<typeof withAxe>[0]) => withAxe(page);
  founder = await arrive(browser, `${app.origin}/community`, { before });
  giver = await arrive(browser, app.origin, { before });
  other = await arrive(browser, app.origin, { before });
  for (const person of [giver, other]) await isLinkedWith(founder.page, person.nodeId);

  const { page } = founder;
  await page.getByLabel('Its name').fill('Givers');
  await page.getByLabel('Members pay each other in credits').check();
  await page.getByLabel('Accepted contributions bring new credit').check();
  for (const box of await page.getByTestId('curators').getByRole('checkbox').all()) await box.check();
  await page.getByRole('button', { name: 'Create and switch to it' }).click();
  await isOnline(page, 'Givers');
  await expect(page.getByText('When more than half of 3 curators approve')).toBeVisible();
  for (const person of [giver, other]) {
    await person.page.goto(await page.evaluate(() => window.tabmesh!.invite()));
    await nodeReady(person.page);
    await isOnline(person.page, 'Givers');
    await isLinkedWith(page, person.nodeId);
  }
  await isLinkedWith(giver.page, other.nodeId);
});

test.afterAll(async () => {
  for (const person of everyone()) await person?.context.close();
  await app?.close();
});

const form = ({ page }: PersonAtPage) => page.getByTestId('contribution-form');
const card = ({ page }: PersonAtPage) => page.getByTestId('contribution');
const stage = (person: PersonAtPage) => card(person).getByTestId('contribution-stage');

async function openIt(person: PersonAtPage, title = 'How bread is made'): Promise<void> {
  await goTo(person.page, '/contributions');
  await person.page.getByTestId('contributions').getByRole('link', { name: title }).click();
  await expect(card(person)).toBeVisible();
}

/** Everything but the promise that nothing was distilled. */
async function fill({ page }: PersonAtPage, title: string, file = KNOWLEDGE): Promise<void> {
  await page.getByLabel('Its title').fill(title);
  await page.locator('input[type=file][aria-label="Choose its file"]').setInputFiles(file);
  await page.getByLabel('What it is about, words apart by commas').fill('Baking, bread');
  await page.getByLabel('How it came about').fill('written at a kitchen table');
  await page.locator('input[type=file][aria-label="Choose their file"]').setInputFiles(CASES);
  await page.getByLabel('Before, in percent').fill('50');
  await page.getByLabel('After, in percent').fill('75');
  await page.getByLabel('Of how many cases').fill('40');
  await page.getByLabel('It is adopted when').fill('more answers about bread are right');
  await page.getByLabel('It is taken out again when').fill('any other answer gets worse');
  await page.getByLabel('Credits you ask').fill('2');
}

test('somebody gives knowledge, and the others see what is said of it', async () => {
  const { page } = giver;
  await goTo(page, '/contributions');
  await expect(page.getByTestId('contributions-mint')).toContainText('once 2 of 3 curators approved it');
  await expect(page.getByText('Nobody has given anything yet.')).toBeVisible();
  await page.getByRole('button', { name: 'Give something' }).click();
  const give = form(giver).getByRole('button', { name: 'Sign and give it' });
  await expect(give).toBeDisabled();
  await expect(form(giver)).toContainText('Give it a title.');
  await look(page, 'contributions-empty');
  await fill(giver, 'How bread is made');

  // What breaks a rule is said at once, and nothing is written.
  const before = (await ledgerOf(page)).entries.length;
  await give.click();
  await expect(form(giver).getByRole('alert')).toContainText('distilled without leave');
  expect((await ledgerOf(page)).entries.length).toBe(before);
  await page.getByLabel('No model of others was distilled for it without leave').check();
  await give.click();
  await expect(stage(giver)).toHaveText('Waits for others to look');

  for (const person of [founder, other]) {
    await openIt(person);
    await expect(card(person)).toContainText('Right answers: 50 % before, 75 % after, of 40 cases, by its giver');
    await expect(card(person).getByTestId('contribution-findings')).toContainText('0 of 2 who must find it true');
  }
});

test('two others look at it and say what they find; then it has a receipt', async () => {
  for (const [person, after] of [
    [founder, '80'],
    [other, '75'],
  ] as const) {
    const found = card(person).getByTestId('finding-form');
    await found.locator('input[type=file]').setInputFiles({ ...KNOWLEDGE, buffer: Buffer.from('something else') });
    await expect(found.getByTestId('finding-file')).toContainText('not the file that was given');
    const [saved] = await Promise.all([
      person.page.waitForEvent('download'),
      found.getByRole('button', { name: 'Fetch the file' }).click(),
    ]);
    expect(await readFile((await saved.path())!)).toEqual(KNOWLEDGE.buffer);
    await expect(found.getByTestId('finding-file')).toContainText('this is the very file that was given');
    await expect(card(person).getByTestId('contribution-file')).toBeVisible();
    await found.getByLabel('Where it comes from').selectOption('accepted');
    await found.getByLabel('What it brings').selectOption('accepted');
    await expect(found.getByRole('button', { name: 'Sign what I find' })).toBeDisabled();
    await found.getByLabel('Before, in percent').fill('50');
    await found.getByLabel('After, in percent').fill(after);
    await found.getByLabel('Of how many cases').fill('40');
    await found.getByLabel('How good').fill('1.5');
    await found.getByRole('button', { name: 'Sign what I find' }).click();
    await expect(found).toContainText('You said something of it already.');
  }
  await expect(stage(giver)).toHaveText('Found true');
  await look(other.page, 'contributions-found');
  await card(giver).getByRole('button', { name: 'Write the receipt' }).click();
  await expect(stage(giver)).toHaveText('Has a receipt');
  await expect(card(giver).getByTestId('contribution-receipt')).toContainText(
    'It comes to 3 credits once 2 curators approved it; up to now: 0.',
  );
});

test('curators approve it, its giver takes the credit once, and every tab comes to the same balances', async () => {
  for (const person of [founder, other]) await card(person).getByRole('button', { name: 'Approve 3 credits' }).click();
  await card(giver).getByRole('button', { name: 'Take 3 credits' }).click();
  for (const person of everyone()) {
    await expect(stage(person)).toHaveText('Credited');
    await expect(card(person).getByTestId('contribution-minted')).toContainText('3 credits came into being for it.');
    await expect(async () => {
      const { balances, supplyMicros } = await ledgerOf(person.page);
      expect([balances[giver.nodeId]?.confirmedMicros, supplyMicros]).toEqual([3_000_000, 3_000_000]);
    }).toPass();
  }
  await look(giver.page, 'contributions-credited');

  // The same file again, whatever it is called.
  await giver.page.getByRole('button', { name: 'Give something' }).click();
  await fill(giver, 'Bread, once more');
  await giver.page.getByLabel('No model of others was distilled for it without leave').check();
  await form(giver).getByRole('button', { name: 'Sign and give it' }).click();
  await expect(form(giver).getByRole('alert')).toContainText('Credit was minted for this content already.');

  // It is a line of the ledger as every other one, and stands after a new start.
  await goTo(giver.page, '/ledger');
  await expect(giver.page.getByText('New credit for a contribution').first()).toBeVisible();
  await giver.page.reload();
  await nodeReady(giver.page);
  await openIt(giver);
  await expect(stage(giver)).toHaveText('Credited');
  await expectNoFaults(...everyone());
});

test('a skill with its contract rests on checked work, and on terms that somebody else read', async () => {
  const { page } = giver;
  for (const person of [founder, giver]) await contribute(person.page);
  await seesOffers(other.page, 'llm.chat@1', 2);
  await askUntilChecked(other.page, 'What is Tabmesh?', { provider: giver.nodeId });
  await other.page.getByRole('button', { name: 'Read the terms of a model' }).click();
  await other.page.getByLabel('Which model, by its name').fill('other-model-7b');
  await other.page.getByLabel('Its licence').fill('Apache-2.0');
  await other.page.getByLabel('Which version of the terms you read').fill('2026-01');
  for (const allowed of ['Models may learn from its outputs', 'Its outputs may be kept', 'Its outputs may be used'])
    await other.page.getByLabel(allowed).check();
  await other.page.getByRole('button', { name: 'Sign what I read' }).click();

  await expect(page.getByTestId('terms')).toContainText('other-model-7b');
  await page.getByRole('button', { name: 'Give something' }).click();
  await fill(giver, 'Answering about this app', SKILL);
  await page.getByLabel('What it is', { exact: true }).selectOption('skill');
  await page.getByLabel('It holds outputs of a model of others').check();
  await page.getByLabel(/other-model-7b/).check();
  await page.getByLabel('No model of others was distilled for it without leave').check();
  await page
    .getByLabel(/Answer for/)
    .first()
    .check();
  await page.getByLabel('With a contract').check();
  await page.getByLabel('Its name, such as').fill('answer-about-tabmesh');
  await page.getByLabel('What sort of skill').fill('answering');
  await page.getByLabel('What goes in').fill('a question');
  await page.getByLabel('What is done').fill('answers it');
  await page.getByLabel('What comes out').fill('an answer');
  await form(giver).getByRole('button', { name: 'Sign and give it' }).click();
  await expect(stage(giver)).toHaveText('Waits for others to look');
  for (const person of [founder, other]) {
    await openIt(person, 'Answering about this app');
    const found = card(person).getByTestId('finding-form');
    await found.locator('input[type=file]').setInputFiles(SKILL);
    for (const label of ['Where it comes from', 'The skill at work', 'What it brings', 'Whether it is used'])
      await found.getByLabel(label).selectOption('accepted');
    await found.getByLabel('Before, in percent').fill('50');
    await found.getByLabel('After, in percent').fill('75');
    await found.getByLabel('Of how many cases').fill('40');
    await found.getByRole('button', { name: 'Sign what I find' }).click();
    await expect(found).toContainText('You said something of it already.');
  }
  await card(giver).getByRole('button', { name: 'Write the receipt' }).click();
  await expect(stage(giver)).toHaveText('Has a receipt');
  await look(page, 'contributions-skill');
  await expectNoFaults(...everyone());
});

test('where members do not pay each other it says that nobody else sees it', async ({ browser }) => {
  const alone = await arrive(browser, `${app.origin}/contributions`);
  await expect(alone.page.getByTestId('contributions-own-log')).toBeVisible();
  await expectNoFaults(alone);
  await alone.context.close();
});
