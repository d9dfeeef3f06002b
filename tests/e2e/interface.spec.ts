import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, expect, test, type Download, type Locator, type Page } from '@playwright/test';
import { browserLaunch } from '#tests/find-browser';
import { ROOT } from '#tests/steps';
import { EXAMPLE_MANIFEST } from '#ui/batch.ts';
import { violationsOf, withAxe } from './axe';
import {
  arrive,
  contribute,
  expectNoFaults,
  isLinkedWith,
  isOnline,
  ledgerOf,
  nodeReady,
  seesOffers,
  statusOf,
  watchForFaults,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

const PLACES = [
  '/',
  '/mesh',
  '/contribute',
  '/ledger',
  '/community',
  '/join',
  '/pair',
  '/models',
  '/experts',
  '/verify',
  '/contributions',
  '/lab',
  '/tasks',
  '/settings',
  '/limits',
  '/checked',
  '/more',
];
const WIDTHS = [320, 768, 1280];
const SCHEMES = ['light', 'dark'] as const;
/** How the kinds of damage in a ledger file are told. */
const DAMAGED = /damaged|signature|stands where|does not follow|not in canonical form|could not be decoded/;
const PASSPHRASE = 'correct horse battery';

let app: AppServer;
let person: PersonAtPage;
let worker: PersonAtPage;
let checker: PersonAtPage;
let second: PersonAtPage;
let files: string;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  files = await mkdtemp(join(tmpdir(), 'tabmesh-files-'));
  app = await serveApp();
  person = await arrive(browser, app.origin, {
    context: { reducedMotion: 'reduce', viewport: { width: 1280, height: 800 } },
    before: withAxe,
  });
  worker = await arrive(browser, app.origin);
  checker = await arrive(browser, app.origin);
});
test.afterAll(async () => {
  for (const one of [person, worker, checker, second]) await one?.context.close();
  await app?.close();
  await rm(files, { recursive: true, force: true });
});

async function savedText(download: Download): Promise<string> {
  const path = join(files, download.suggestedFilename());
  await download.saveAs(path);
  return readFile(path, 'utf8');
}

/** Presses Tab (or Shift and Tab) until the element has the focus: only what a keyboard reaches is found. */
async function tabTo(page: Page, wanted: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await expect(wanted).toBeVisible();
  for (let presses = 0; presses < 150; presses++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`The keyboard does not reach ${String(wanted)}.`);
}

async function press(page: Page, wanted: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await tabTo(page, wanted, key);
  await page.keyboard.press('Enter');
}

test('everything that matters is done with the keyboard alone', async () => {
  const { page } = person;
  const place = (name: string) =>
    page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name, exact: true });

  // Ask; the first answer has to load the model, time enough to stop it.
  await tabTo(page, page.getByTestId('ask-input'));
  await page.keyboard.type('What is Tabmesh?');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('consent-mesh')).toBeVisible();
  await press(page, page.getByRole('button', { name: 'Only on this device' }));
  await press(page, page.getByTestId('stop'), 'Shift+Tab');
  await expect(page.getByTestId('verdict')).toHaveText('Stopped, unchecked');
  await press(page, page.getByRole('button', { name: 'Ask again' }));
  await expect(page.getByTestId('consent-mesh').or(page.getByTestId('verdict'))).toBeVisible();
  if (await page.getByTestId('consent-mesh').isVisible())
    await press(page, page.getByRole('button', { name: 'Only on this device' }));
  await expect(page.getByTestId('verdict')).toHaveText('Unchecked');
  await press(page, page.getByRole('button', { name: 'Show route' }), 'Shift+Tab');
  await expect(page.getByTestId('route')).toContainText('Recorded');

  // Contribute and stop.
  await press(page, place('Contribute'), 'Shift+Tab');
  await press(page, page.getByTestId('contribute-yes'));
  await expect(page.getByRole('button', { name: 'Stop contributing' })).toBeVisible();
  await page.waitForFunction(() => window.tabmesh!.status().contributing);
  await expect(page.getByTestId('duty')).toContainText('Contributing');
  await press(page, page.getByRole('button', { name: 'Stop contributing' }));
  await page.waitForFunction(() => !window.tabmesh!.status().contributing);
  await expect(page.getByTestId('contribute-yes')).toBeVisible();

  // Invite.
  await press(page, place('Community'), 'Shift+Tab');
  await press(page, page.getByRole('button', { name: 'Make an invite link' }));
  await expect(page.getByTestId('invite-link')).toHaveValue(/\/join#i=.{100}/);

  // Appearance.
  await press(page, place('Settings'), 'Shift+Tab');
  const dark = page.getByRole('radio', { name: 'Dark' });
  await tabTo(page, page.getByRole('radio', { name: 'As the system' }));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(dark).toBeChecked();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(page.locator('html')).not.toHaveAttribute('data-theme');
  await expectNoFaults(person);
});

test('a batch gives the same bytes in one tab as on the command line, and over the mesh other nodes do it', async () => {
  await contribute(worker.page);
  await contribute(checker.page);
  const { page } = person;
  await page.goto(`${app.origin}/lab`);
  await nodeReady(page);
  await seesOffers(page, 'job.run@1', 2);
  await page.getByRole('button', { name: 'Use the example' }).click();
  await page.getByRole('radio', { name: /In this tab/ }).check();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Table of results' }).getByRole('row')).toHaveCount(7);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download everything' }).click(),
  ]);
  const inTabText = await savedText(download);
  const inTab = JSON.parse(inTabText) as Record<string, unknown>;
  const manifest = join(files, 'manifest.json');
  await writeFile(manifest, EXAMPLE_MANIFEST);
  const { stdout } = await promisify(execFile)(
    join(ROOT, 'node_modules', '.bin', 'tsx'),
    ['src/cli/main.ts', 'batch', 'run', manifest],
    { cwd: ROOT },
  );
  expect(inTabText.trimEnd()).toBe(stdout.trimEnd());

  await page.getByRole('radio', { name: /Over the live mesh/ }).check();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByTestId('consent-mesh').getByRole('button', { name: 'Run over the mesh' }).click();
  const table = page.getByRole('region', { name: 'Table of results' });
  await expect(table.getByText('Valid', { exact: true })).toHaveCount(6);
  const [results] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'results.json' }).click(),
  ]);
  const overMesh = JSON.parse(await savedText(results)) as { job_id: string; node_id: string; output: unknown }[];
  const outputs = (list: unknown) =>
    (list as { job_id: string; output: unknown }[]).map(({ job_id, output }) => ({ job_id, output }));
  expect(outputs(overMesh)).toEqual(outputs(inTab['results']));
  for (const { node_id } of overMesh) expect([worker.nodeId, checker.nodeId]).toContain(node_id);

  await page.getByLabel('Manifest (JSON)').fill('{ "version": 1, "nodes": [');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('The file is not valid JSON');
  await expect(page.getByRole('alert')).not.toContainText('[object');
  await expectNoFaults(person);
});

test('axe finds nothing wrong on any page, light and dark, on a phone, a tablet and a desk', async () => {
  test.setTimeout(300_000);
  const { page } = person;
  // First that axe sees what is wrong at all.
  await page.evaluate(() => document.documentElement.removeAttribute('lang'));
  expect((await violationsOf(page)).join()).toContain('html-has-lang');
  const found: string[] = [];
  for (const place of PLACES) {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(app.origin + place);
    await nodeReady(page);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    if (place === '/') {
      // An answer with its route open.
      await page.getByRole('button', { name: 'Show route' }).first().click();
      await expect(page.getByTestId('route')).toBeVisible();
    }
    if (place === '/mesh') await expect(page.getByRole('table').first()).toBeVisible();
    if (place === '/ledger') await expect(page.getByLabel('Verdict')).toBeVisible();
    if (place === '/community') {
      await page.getByRole('button', { name: 'Make an invite link' }).click();
      await expect(page.getByTestId('invite-link')).toBeVisible();
    }
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        const nav = page.getByRole('navigation', { name: 'Places' });
        await expect(nav.getByRole('link', { name: 'More' })).toHaveCount(width < 768 ? 1 : 0);
        for (const violation of await violationsOf(page)) found.push(`${place} ${colorScheme} ${width}: ${violation}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (overflow > 0) found.push(`${place} ${colorScheme} ${width}: ${overflow} px wider than the window`);
      }
    }
  }
  expect(found).toEqual([]);
  await expectNoFaults(person);
});

test('a ledger is exported to a file, and another profile takes what is in it', async ({ browser }) => {
  const { page } = person;
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${app.origin}/ledger`);
  await nodeReady(page);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export as JSON' }).click(),
  ]);
  const text = await savedText(download);
  expect(() => JSON.parse(text) as unknown).not.toThrow();

  second = await arrive(browser, `${app.origin}/ledger`);
  await expect(second.page.getByText(/0 entries|\d+ entr/).first()).toBeVisible();
  const before = await ledgerOf(second.page);
  const importFile = (name: string, content: string) =>
    second.page
      .getByLabel('Import a file')
      .setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(content) });
  const file = JSON.parse(text) as { logs: { author: string; entries: string[] }[] };
  // The longest log: one without its only entry would be a log like any other that has not begun.
  const [log, ...others] = file.logs.sort((a, b) => b.entries.length - a.entries.length) as [
    (typeof file.logs)[0],
    ...typeof file.logs,
  ];
  const [first, ...rest] = log.entries as [string, ...string[]];
  const withEntries = (entries: readonly string[]) =>
    JSON.stringify({ ...file, logs: [{ ...log, entries }, ...others] });
  const flipped = `${first.slice(0, -9)}${first.at(-9) === 'A' ? 'B' : 'A'}${first.slice(-8)}`;
  for (const [bad, sentence] of [
    ['{', 'This is not a Tabmesh ledger file.'],
    [withEntries([flipped, ...rest]), DAMAGED],
    ['[]', 'This is not a Tabmesh ledger file.'],
    [withEntries(rest), DAMAGED],
  ] as const) {
    await importFile('bad.json', bad);
    await expect(second.page.getByRole('alert')).toContainText(sentence);
    expect(await ledgerOf(second.page)).toEqual(before);
  }
  await importFile('ledger.json', text);
  await expect(second.page.getByText(/[1-9]\d* new entr(y|ies) added/)).toBeVisible();
  const units = (await ledgerOf(person.page)).unitsByNode;
  expect((await ledgerOf(second.page)).unitsByNode).toEqual(units);
  await importFile('ledger.json', text);
  await expect(second.page.getByText(/0 new entries added/)).toBeVisible();
  await expectNoFaults(person, second);
});

test('a restored backup makes another node of the same person, and a wrong passphrase changes nothing', async () => {
  const { page } = person;
  await page.goto(`${app.origin}/settings`);
  await nodeReady(page);
  await page.getByLabel(/^Passphrase, \d+ characters/).fill(PASSPHRASE);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download backup' }).click(),
  ]);
  const backup = await savedText(download);
  expect(backup).not.toContain(PASSPHRASE);

  const other = second.page;
  await other.goto(`${app.origin}/settings`);
  const nodeId = await nodeReady(other);
  expect(nodeId).toBe(second.nodeId);
  const restore = async (content: string, passphrase: string): Promise<void> => {
    await other
      .getByLabel('Restore from a file')
      .setInputFiles({ name: 'backup.json', mimeType: 'application/json', buffer: Buffer.from(content) });
    await other.getByLabel('Passphrase of backup.json').fill(passphrase);
    await other.getByRole('button', { name: 'Restore', exact: true }).click();
  };
  await restore(backup, 'wrong horse battery');
  await expect(other.getByRole('alert')).toContainText(/passphrase/i);
  await expect(other.getByRole('heading', { name: 'Your nodes' })).toHaveCount(0);
  await restore(backup, PASSPHRASE);
  await expect(other.getByText(/^Restored\./)).toBeVisible();
  expect((await statusOf(other)).nodeId).toBe(nodeId);
  expect(nodeId).not.toBe(person.nodeId);
  const nodes = other
    .getByRole('heading', { name: 'Your nodes' })
    .locator('xpath=following-sibling::ul')
    .getByRole('listitem');
  await expect(nodes).toHaveCount(2);
  for (const one of [person, second]) {
    const { name } = await statusOf(one.page);
    await expect(nodes.filter({ hasText: name })).toHaveCount(1);
  }
  await expectNoFaults(person, second);
});

test('deleting everything leaves nothing of the node behind', async () => {
  const { page } = second;
  await page.getByRole('button', { name: 'Delete everything' }).click();
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByRole('button', { name: 'Delete everything' })).toBeDisabled();
  await dialog.getByLabel(/Type .delete. to confirm/).fill('delete');
  await dialog.getByRole('button', { name: 'Delete everything' }).click();
  await page.waitForURL(`${app.origin}/`);
  const fresh = await nodeReady(page);
  expect(fresh).not.toBe(second.nodeId);
  await isOnline(page);
  const { entries, unitsByNode } = await ledgerOf(page);
  expect(entries.filter(({ receiptId }) => receiptId !== null)).toEqual([]);
  expect(unitsByNode).toEqual({});
  await isLinkedWith(page, person.nodeId);
  await expectNoFaults(second);
});

test('over plain HTTP from another machine the page says what to do, instead of failing', async () => {
  const browser = await chromium.launch(browserLaunch(['--host-resolver-rules=MAP insecure.test 127.0.0.1']));
  try {
    const page = await browser.newPage();
    const faults = await watchForFaults(page);
    await withAxe(page);
    await page.goto(app.origin.replace('127.0.0.1', 'insecure.test'));
    const notice = page.getByRole('alert');
    await expect(notice).toContainText('This address is not secure');
    await expect(notice).toContainText('npm start -- --tls');
    await expect(notice.getByRole('link', { name: 'certificate authority' })).toBeVisible();
    await expect(notice.getByRole('link', { name: /^Open https:/ })).toHaveAttribute(
      'href',
      /^https:\/\/insecure\.test/,
    );
    await page.waitForFunction(() => window.tabmesh !== undefined);
    expect(await page.evaluate(() => window.tabmesh!.ready.then(() => window.tabmesh!.status().state))).toBe(
      'insecure',
    );
    await expect(page.getByTestId('ask-send')).toBeDisabled();
    await page.goto(`${app.origin.replace('127.0.0.1', 'insecure.test')}/limits`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    expect(await violationsOf(page)).toEqual([]);
    expect(faults).toEqual([]);
  } finally {
    await browser.close();
  }
});
