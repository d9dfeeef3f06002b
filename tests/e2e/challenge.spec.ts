import { readFile } from 'node:fs/promises';
import { expect, test, type Locator, type Page } from '@playwright/test';
import { createPassphraseSeal } from '#adapters/identity-passphrase';
import { createSeedSigner, SEED_BYTES } from '#adapters/signer-seed';
import type { Chance } from '#core/base/ports';
import type { NodeId } from '#core/base/ids';
import { unwrap } from '#core/base/result';
import { exportBackup } from '#core/identity/backup';
import { createManifest } from '#core/identity/community';
import { defaultEconomyPolicy, MAX_MICROS } from '#core/identity/economy-policy';
import { serveHarness, type HarnessServer } from '../browser/serve-harness';
import { withAxe } from './axe';
import { LIAR_MODULE, openLiar } from './liar-at-page';
import { look } from './look';
import {
  arrive,
  askUntilChecked,
  contribute,
  expectNoFaults,
  isLinkedWith,
  isOnline,
  ledgerOf,
  nodeReady,
  signerOf,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

/** How the page's device scores what somebody answered: as it computes it, or everything right, or everything wrong. */
type Scoring = 'honest' | 'all right' | 'all wrong';

declare global {
  interface Window {
    scoring?: Scoring;
  }
}

const NAME = 'Court';
const QUESTION = 'What is Tabmesh?';
const PASSPHRASE = 'correct horse battery';
/** What the liar asks for a job at least: enough that those who looked get a part of it. */
const LIAR_MINIMUM_MICROS = 50_000;
/** The lie is void long before; the honest answer is paid when its window ends, for which the test waits. */
const WINDOWS = [
  { upToMicros: LIAR_MINIMUM_MICROS - 1, seconds: 30 },
  { upToMicros: MAX_MICROS, seconds: 600 },
];

let harness: HarnessServer;
let app: AppServer;
/** Founds the community, asks, pays, and challenges what is right. */
let asker: PersonAtPage;
/** Is given the words of an answer that somebody else paid for, and challenges what is wrong. */
let reader: PersonAtPage;
/** Answers honestly, and looks at what others answer as it is told. */
let host: PersonAtPage;
/** Named by the manifest: the panel. */
let witnesses: PersonAtPage[] = [];
/** The product's own node with a lie in what it answers; looks honestly at what others answer. */
let liar: PersonAtPage;
const everyone = (): PersonAtPage[] => [asker, reader, host, ...witnesses, liar];

const chance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };

/** A device that can be broken: what the page's own worker scores comes to the page as `scoring` says. */
const withBreakableDevice = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const WRONG_MARGIN = 9;
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        this.addEventListener('message', ({ data }: MessageEvent) => {
          const { scoring = 'honest' } = window;
          const scores = (data as { readonly value?: { readonly value?: unknown } } | null)?.value?.value;
          if (scoring === 'honest' || !Array.isArray(scores)) return;
          const found = scoring === 'all right' ? { rank: 0, margin: 0 } : { rank: 1, margin: WRONG_MARGIN };
          for (const one of scores as unknown[])
            if (typeof one === 'object' && one !== null && 'margin' in one) Object.assign(one, found);
        });
      }
    };
  });

const score = ({ page }: PersonAtPage, scoring: Scoring): Promise<unknown> =>
  page.evaluate((how) => (window.scoring = how), scoring);

const place = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name }).first().click();

const withdraw = ({ page }: PersonAtPage): Promise<void> => page.evaluate(() => window.tabmesh!.contribute(false));
const goToWork = ({ page }: PersonAtPage): Promise<void> => contribute(page);

/**
 * The asker signs a community whose manifest names witnesses, and takes it in as a backup: by the form only the founder is one, and
 * those whom it names later serve an hour afterwards.
 */
async function found(): Promise<void> {
  const { page, nodeId } = asker;
  const economy = {
    ...defaultEconomyPolicy(nodeId),
    witnesses: [asker, ...witnesses].map((one) => one.nodeId as NodeId),
    windows: WINDOWS,
  };
  const createdAt = Date.now();
  const manifest = await createManifest(signerOf(asker), { name: NAME, open: false, createdAt, economy });
  const backup = await exportBackup(
    { seal: createPassphraseSeal(chance), seedSigner: createSeedSigner },
    {
      createdAt,
      seed: chance.bytes(SEED_BYTES),
      communities: [{ manifest, memberships: [], certificates: [] }],
      certificates: [],
    },
    PASSPHRASE,
  );
  await page
    .getByLabel('Restore from a file')
    .setInputFiles({ name: 'backup.json', mimeType: 'application/json', buffer: Buffer.from(unwrap(backup)) });
  await page.getByLabel('Passphrase of backup.json').fill(PASSPHRASE);
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await expect(page.getByText(/^Restored\./)).toBeVisible();
  await place(page, 'Community');
  await page.getByRole('button', { name: `Switch to ${NAME}` }).click();
  await isOnline(page, NAME);
}

/** Who shows what it asks for its work is paid for it. */
const showsPrice = ({ nodeId }: PersonAtPage): Promise<void> =>
  expect
    .poll(
      () =>
        asker.page.evaluate(async (provider) => {
          const shown = await window.tabmesh!.call('node.cards@1', {}, { provider }).catch(() => null);
          return (shown as { readonly advertisements: readonly unknown[] } | null)?.advertisements.length ?? 0;
        }, nodeId),
      { timeout: 120_000 },
    )
    .toBeGreaterThan(0);

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  harness = await serveHarness({ modules: [LIAR_MODULE] });
  app = await serveApp({ server: { allowedOrigins: [harness.origin] } });
  const arriveAt = (path: string) =>
    arrive(browser, app.origin + path, { before: (page) => withAxe(page).then(() => withBreakableDevice(page)) });
  [asker, reader, host, liar, ...witnesses] = await Promise.all([
    arriveAt('/settings'),
    arriveAt('/'),
    arriveAt('/'),
    openLiar(
      browser,
      { harness, app, isPaid: true },
      { lies: { forgedTokenAt: 6 }, minimumJobMicros: LIAR_MINIMUM_MICROS },
    ),
    arriveAt('/'),
    arriveAt('/'),
    arriveAt('/'),
  ]);
  await found();
  const invited = [reader, host, ...witnesses, liar];
  const links: string[] = [];
  for (const _ of invited) links.push(await asker.page.evaluate(() => window.tabmesh!.invite({ uses: 1 })));
  await Promise.all(
    invited.map(async (one, at) => {
      if (one === liar) await one.page.evaluate((link) => window.liar.join(link), links[at]!);
      else await one.page.goto(links[at]!).then(() => nodeReady(one.page));
      await isOnline(one.page, NAME);
      await isLinkedWith(asker.page, one.nodeId);
    }),
  );
  // Those of the panel load their model, and are away while others look.
  await Promise.all(invited.filter((one) => one !== reader).map(goToWork));
  await Promise.all(witnesses.map(withdraw));
  await Promise.all([host, liar].map(showsPrice));
});
test.afterAll(async () => {
  for (const one of everyone()) await one?.context.close();
  await app?.close();
  await harness?.close();
});

/** Asks one node, and has whoever else is there look; resolves to the line of what is to be paid. */
async function paidAnswerOf({ nodeId }: PersonAtPage, checker: PersonAtPage): Promise<Locator> {
  const { page } = asker;
  await Promise.all(witnesses.map(withdraw));
  const ask = () => askUntilChecked(page, QUESTION, { provider: nodeId, payAtMostMicros: 1_000_000 });
  let answer: Awaited<ReturnType<typeof ask>>['answer'] | null = null;
  // Whose price did not arrive in time answers for nothing; then the question is asked again.
  const isPaid = async (): Promise<boolean> => {
    const given = await ask();
    answer = given.answer;
    return given.updates.some(({ type }) => type === 'reserved');
  };
  await expect.poll(isPaid, { timeout: 120_000 }).toBe(true);
  expect(answer).toMatchObject({ verdict: 'accepted', experts: [nodeId], validators: [checker.nodeId] });
  await Promise.all(witnesses.map(goToWork));
  await place(page, 'Ledger');
  await page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Waiting' }).click();
  const line = page.getByTestId('line-card');
  await expect(line.getByTestId('line-state')).toHaveText(/^Waiting/);
  return line;
}

/** Looks again on the own device, which finds it wrong. */
async function findWrong(line: Locator): Promise<void> {
  await line.getByRole('button', { name: 'Look again here' }).click();
  await expect(line.getByTestId('look-outcome')).toContainText('This device finds it wrong');
}

/** The line of a bond in somebody's list. */
const bondOf = ({ page }: PersonAtPage): Locator =>
  page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Bond' }).first();

/** What every page holds of a node's money, when all have come to the same. */
async function confirmedOf({ nodeId }: PersonAtPage): Promise<number> {
  const sums = async () =>
    Promise.all(everyone().map(async ({ page }) => (await ledgerOf(page)).balances[nodeId]?.confirmedMicros ?? 0));
  await expect.poll(async () => new Set(await sums()).size).toBe(1);
  return (await sums())[0]!;
}

/** Hands question and answer of a line to somebody else, who opens them; resolves to what can be challenged of it there. */
async function handOn(line: Locator, to: PersonAtPage): Promise<Locator> {
  await line.getByRole('button', { name: 'Seal this', exact: true }).click();
  const seal = line.getByTestId('seal-panel');
  await seal.getByRole('checkbox', { name: 'Include the words of question and answer' }).check();
  const [download] = await Promise.all([
    line.page().waitForEvent('download'),
    seal.getByRole('button', { name: 'Seal and download' }).click(),
  ]);
  const buffer = await readFile(await download.path());
  await place(to.page, 'Ledger');
  await to.page.getByRole('link', { name: 'Verify evidence' }).click();
  await to.page
    .getByLabel('Open a bundle')
    .setInputFiles({ name: 'bundle.car', mimeType: 'application/vnd.ipld.car', buffer });
  return to.page.getByTestId('contestable');
}

test('a false answer that was let pass is challenged by a member who was given it: a panel agrees, it is not paid, and the bond comes back', async () => {
  test.setTimeout(300_000);
  const { page } = asker;
  await score(host, 'all right');
  const line = await paidAnswerOf(liar, host);
  const unitsOfLiar = async () => (await ledgerOf(page)).unitsByNode[liar.nodeId] ?? 0;
  await expect.poll(unitsOfLiar).toBeGreaterThan(0);
  const unitsBefore = await unitsOfLiar();
  const given = await handOn(line, reader);
  await expect(given).toContainText('any member may challenge it');
  await findWrong(given);
  await look(reader.page, 'challenge-offered');
  await given.getByRole('button', { name: 'Challenge it' }).click();
  await expect(given.getByTestId('challenge-outcome')).toContainText('The panel found it wrong');
  await look(reader.page, 'challenge-upheld-of-another');
  await expect(line.getByTestId('line-state')).toHaveText('Found wrong');
  await expect(line).toContainText('It was challenged, and a panel found the work wrong: it is not paid');
  await look(page, 'challenge-upheld');
  await place(reader.page, 'Ledger');
  await expect(bondOf(reader)).toContainText('Came back');
  await bondOf(reader).click();
  await expect(reader.page.getByTestId('line-card')).toContainText(
    'A panel found the work wrong, as the challenge said: the bond came back.',
  );

  const [witness] = witnesses;
  await place(witness!.page, 'Ledger');
  await witness!.page.getByTestId('line-list').getByRole('link').filter({ hasText: 'Checked' }).click();
  const seen = witness!.page.getByTestId('line-card');
  await expect(seen.getByTestId('line-state')).toHaveText('Found wrong');
  await expect(seen).toContainText('It was challenged, and a panel found the work wrong: it is not paid');
  await look(witness!.page, 'challenge-upheld-seen-by-its-panel');
  // Its receipt says so too, wherever it is held.
  for (const { page: held } of [asker, witness!]) {
    await place(held, 'Ledger');
    await expect(
      held
        .getByTestId('receipt-list')
        .getByRole('link')
        .filter({ hasText: 'Found wrong' })
        .filter({ hasText: '0 units' }),
    ).toHaveCount(1);
  }
  expect(await confirmedOf(liar)).toBe(0);
  expect(await unitsOfLiar()).toBeLessThan(unitsBefore);
  // What is owed is what looking costs, and nothing is set aside any more.
  expect(await confirmedOf(asker)).toBeLessThan(0);
  await expect.poll(async () => (await ledgerOf(page)).balances[asker.nodeId]?.reservedMicros).toBe(0);
  await expectNoFaults(...everyone());
});

test('a challenge of an honest answer is dismissed: the answer is paid, and the bond goes to whoever gave it', async () => {
  test.setTimeout(300_000);
  const before = await confirmedOf(asker);
  await score(host, 'honest');
  const line = await paidAnswerOf(host, liar);
  await score(asker, 'all wrong');
  await line.getByRole('button', { name: 'Look again', exact: true }).click();
  await findWrong(line);
  await line.getByRole('button', { name: 'Challenge it' }).click();
  await expect(line.getByTestId('challenge-outcome')).toContainText('The panel found it right');
  await expect(bondOf(asker)).toContainText('Lost');
  await look(asker.page, 'challenge-dismissed');
  await place(host.page, 'Ledger');
  await expect(bondOf(host)).toContainText('Won');
  await bondOf(host).click();
  await expect(host.page.getByTestId('line-card')).toContainText(
    'Somebody challenged the work of this node, and a panel found it right: the bond is yours.',
  );
  await look(host.page, 'challenge-won');
  await expect(line.getByTestId('line-state')).toHaveText('Settled');
  await expect(line).toContainText('It was challenged, and a panel found the work right.');
  expect(await confirmedOf(host)).toBeGreaterThan(0);
  expect(await confirmedOf(asker)).toBeLessThan(before);
  await expectNoFaults(...everyone());
});
