import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type Page } from '@playwright/test';
import { commands } from '#cli/commands';
import { runCommandLine } from '#cli/run-command-line';
import { unwrap } from '#core/base/result';
import type { EvidenceReport } from '#core/evidence/verify-evidence';
import { marginMeasurementsSchema } from '#core/experts/margin-measurements';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { browserLaunch } from '#tests/find-browser';
import { violationsOf, withAxe } from './axe';
import { arrive, contribute, expectNoFaults, nodeReady, seesOffers, watchForFaults, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

const QUESTION = 'What is Tabmesh?';

let app: AppServer;
let asker: PersonAtPage;
let worker: PersonAtPage;
let checker: PersonAtPage;
let files: string;
let closed: string;
let open: string;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  test.setTimeout(300_000);
  files = await mkdtemp(join(tmpdir(), 'tabmesh-bundles-'));
  app = await serveApp();
  asker = await arrive(browser, app.origin, { before: withAxe });
  worker = await arrive(browser, app.origin);
  checker = await arrive(browser, app.origin);
  await contribute(worker.page);
  await contribute(checker.page);
  await seesOffers(asker.page, 'llm.chat@1', 2);
});
test.afterAll(async () => {
  for (const one of [asker, worker, checker]) await one?.context.close();
  await app?.close();
  await rm(files, { recursive: true, force: true });
});

/** On a busy machine a check may come too late, and the answer stays unchecked: then it is asked again. */
async function untilChecked(page: Page): Promise<void> {
  const verdict = page.getByTestId('verdict');
  for (let asked = 0; asked < 8; asked++) {
    await expect(verdict).toHaveText(/^(Checked by \d|Unchecked)$/);
    if ((await verdict.textContent()) !== 'Unchecked') return;
    await page.getByRole('button', { name: 'Ask again' }).click();
    await expect(verdict).not.toHaveText('Unchecked');
  }
  throw new Error('Nobody checked any of the answers.');
}

async function sealInPanel(page: Page, name: string): Promise<string> {
  const panel = page.getByTestId('seal-panel');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    panel.getByRole('button', { name: 'Seal and download' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^tabmesh-evidence-.*\.car$/);
  await expect(panel.getByRole('status')).toContainText('is in your downloads');
  const path = join(files, name);
  await download.saveAs(path);
  return path;
}

const openBundle = (page: Page, name: string, buffer: Buffer): Promise<void> =>
  page.getByLabel('Open a bundle').setInputFiles({ name, mimeType: 'application/vnd.ipld.car', buffer });

const onCommandLine = (...args: string[]) => runCommandLine(args, { commands, version: '0', folder: files });

test('an answer of the mesh is sealed under it, without its words and with them', async () => {
  const { page } = asker;
  await page.getByTestId('ask-input').fill(QUESTION);
  await page.getByTestId('ask-input').press('Enter');
  await page.getByTestId('consent-mesh').getByRole('button', { name: 'Ask the mesh' }).click();
  await untilChecked(page);
  await page.getByRole('button', { name: 'Seal this' }).click();
  closed = await sealInPanel(page, 'closed.car');
  await page.getByRole('checkbox', { name: /Include the words/ }).check();
  open = await sealInPanel(page, 'open.car');
  expect((await readFile(closed)).includes(QUESTION)).toBe(false);
  expect((await readFile(open)).includes(QUESTION)).toBe(true);
  await page.getByRole('link', { name: 'Receipt' }).click();
  await page.getByRole('button', { name: 'Seal this' }).click();
  await sealInPanel(page, 'from-ledger.car');
  await expectNoFaults(asker);
});

test('what devices differ by is seen as a plot and as a file that names nobody', async () => {
  const { page } = asker;
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Ask' }).click();
  await page.getByRole('button', { name: 'Show checks' }).last().click();
  await page.getByRole('link', { name: 'What “checked” means here' }).first().click();
  const card = page.getByTestId('margins');
  const pair = card.getByTestId('margin-pair');
  await expect(pair.first()).toContainText('transformers/wasm');
  await expect(pair.first().getByRole('img', { name: /\d+ tokens: none above 0\.10/ })).toBeVisible();
  await pair.first().getByText('The same as a table').click();
  await expect(pair.first().getByRole('row', { name: /^0 [1-9]/ })).toBeVisible();
  expect(await violationsOf(page)).toEqual([]);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    card.getByRole('button', { name: 'Save the measurements' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('tabmesh-margins.json');
  const path = join(files, 'margins.json');
  await download.saveAs(path);
  const text = await readFile(path, 'utf8');
  const measured = unwrap(parseJsonThrough(marginMeasurementsSchema, text, 1_000_000));
  expect(measured.pairs[0]!.counts[0]!.hundredths).toBe(0);
  for (const { nodeId } of [asker, worker, checker]) expect(text).not.toContain(nodeId);
  await page.setViewportSize({ width: 1280, height: 720 });
  await expectNoFaults(asker);
});

test('the command line verifies the very file, and names what one changed byte is in', async () => {
  const outcome = await onCommandLine('evidence', 'verify', closed);
  expect(outcome.stderr).toBe('');
  const report = JSON.parse(outcome.stdout) as EvidenceReport;
  expect(report.receipts[0]?.signatures.map(({ node }) => node).sort()).toEqual(
    [asker, worker, checker].map(({ nodeId }) => nodeId).sort(),
  );
  expect(report.seals.map(({ signedBy }) => signedBy)).toEqual(Array(3).fill(asker.nodeId));
  for (const name of ['open.car', 'from-ledger.car'])
    expect((await onCommandLine('evidence', 'verify', name)).exitCode).toBe(0);
  const flipped = await readFile(closed);
  flipped[flipped.length - 100]! ^= 1;
  await writeFile(join(files, 'flipped.car'), flipped);
  expect(await onCommandLine('evidence', 'verify', 'flipped.car')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('seal/terminal-receipt.json was changed'),
  });
});

test('a fresh profile verifies it without the network, after one visit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-profile-'));
  const context = await chromium.launchPersistentContext(folder, browserLaunch());
  try {
    const page = await context.newPage();
    const faults = await watchForFaults(page);
    await page.goto(`${app.origin}/limits`);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await context.setOffline(true);
    await page.goto(`${app.origin}/verify`);
    await openBundle(page, 'closed.car', await readFile(closed));
    await expect(page.getByTestId('reviewable')).toHaveText('Reviewable');
    await expect(page.getByTestId('seals').getByRole('listitem')).toHaveCount(3);
    await expect(page.getByTestId('artefacts').getByLabel('holds', { exact: true })).toHaveCount(19);
    await expect(page.getByTestId('bundle-receipt').getByText('Valid signature by')).toHaveCount(3);
    expect(faults).toEqual([]);
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a device that never joined anything verifies it, sees the words that were shown, and what was changed', async ({
  browser,
}) => {
  const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  const faults = await watchForFaults(page);
  await withAxe(page);
  await page.route('**/api/**', (route) => route.abort());
  await page.goto(`${app.origin}/verify`);
  await page.waitForFunction(() => window.tabmesh?.status().state === 'failed');

  // With the keyboard alone as far as the choice of a file.
  const chosen = page.waitForEvent('filechooser');
  const button = page.getByRole('button', { name: 'Open a bundle' });
  await button.focus();
  await page.keyboard.press('Enter');
  await (await chosen).setFiles(open);
  await expect(page.getByTestId('reviewable')).toHaveText('Reviewable');
  await expect(page.getByText('is the one of these very words')).toBeVisible();
  await expect(page.getByTestId('opened-answer')).toContainText('Tabmesh');
  await expect(page.getByTestId('bundle-packet')).toContainText(
    'signed before anybody was asked, to be done for nothing',
  );
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 844 });
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
        0,
      );
    }
  }

  // One byte of the receipts, found by what they say.
  const flipped = await readFile(open);
  flipped[flipped.indexOf('"capability":"llm.chat@1","check"') + 3]! ^= 1;
  await openBundle(page, 'flipped.car', flipped);
  await expect(page.getByTestId('reviewable')).toHaveText('Not reviewable');
  await expect(page.getByTestId('failures')).toContainText('receipts.jsonl was changed.');
  expect(await violationsOf(page)).toEqual([]);

  // What is dropped is read too, and what is no bundle is said to be none.
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['no bundle'], 'notes.txt'));
    document
      .querySelector('[aria-label="Evidence bundle"]')!
      .dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await expect(page.getByText('This is not an evidence bundle.')).toBeVisible();
  await expect(page.getByTestId('evidence-result')).toHaveCount(0);
  expect(faults).toEqual([]);
  await context.close();
});

test('kept traces are deleted with the conversation or in Settings, and not kept when that is not wanted', async () => {
  const { page } = asker;
  await page.goto(`${app.origin}/settings`);
  await nodeReady(page);
  await expect(page.getByText(/^[1-9]\d* traces?, /)).toBeVisible();
  await page.goto(app.origin);
  await page.getByRole('button', { name: 'Clear this conversation' }).click();
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Settings' }).click();
  await expect(page.getByText(/^0 traces, /)).toBeVisible();
  await page.getByRole('checkbox', { name: 'Keep traces of my own questions on this device' }).uncheck();
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Ask' }).click();
  await page.getByTestId('ask-input').fill(QUESTION);
  await page.getByTestId('ask-input').press('Enter');
  await untilChecked(page);
  await page.getByRole('button', { name: 'Seal this' }).click();
  await expect(page.getByTestId('seal-panel')).toContainText('is not kept on this device');
  const alone = await sealInPanel(page, 'alone.car');
  const report = JSON.parse((await onCommandLine('evidence', 'verify', alone)).stdout) as EvidenceReport;
  expect(report).toMatchObject({ reviewable: true, traces: [], withWords: false });
  await expectNoFaults(asker);
});
