import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, type Locator } from '@playwright/test';
import { unzipSync } from 'fflate';
import { ROOT } from '#tests/steps';
import { EXAMPLE_MANIFEST } from '#ui/batch.ts';
import { violationsOf, withAxe } from './axe';
import { arrive, expectNoFaults, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

const WIDTHS = [320, 768, 1280];

let app: AppServer;
let person: PersonAtPage;
let folder: string;

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-lab-'));
  app = await serveApp();
  person = await arrive(browser, `${app.origin}/lab`, { before: withAxe });
});
test.afterAll(async () => {
  await person?.context.close();
  await app?.close();
  await rm(folder, { recursive: true, force: true });
});

const tabmesh = (...args: string[]) =>
  promisify(execFile)(join(ROOT, 'node_modules', '.bin', 'tsx'), ['src/cli/main.ts', ...args], { cwd: ROOT });

/** Runs command lines one after the other in one process: starting it takes longer than what they do. */
const tabmeshInOrder = (lines: readonly (readonly string[])[]) =>
  promisify(execFile)(
    join(ROOT, 'node_modules', '.bin', 'tsx'),
    [
      '--input-type=module',
      '--eval',
      `const { commands } = await import('#cli/commands');
       const { runCommandLine } = await import('#cli/run-command-line');
       for (const line of ${JSON.stringify(lines)}) {
         const { exitCode, stderr } = await runCommandLine(line, { commands, version: '0', folder: ${JSON.stringify(folder)} });
         if (exitCode !== 0) throw new Error(stderr);
       }`,
    ],
    { cwd: ROOT },
  );

/** Presses a button that saves a file, and gives its path. */
async function saved(button: Locator): Promise<string> {
  const [download] = await Promise.all([person.page.waitForEvent('download'), button.click()]);
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}
/** The files below a folder, by path from it. */
const filesIn = async (root: string): Promise<string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
const button = (name: string | RegExp) => person.page.getByRole('button', { name });

test('one click makes a flow, audits it, and gives the very files of the command line', async () => {
  const { page } = person;
  await button('Use the example').click();
  await button('Run as a flow in this tab').click();
  const audit = page.getByTestId('flow-audit');
  await expect(audit.getByText('Clean')).toBeVisible();
  await expect(
    audit.getByRole('region', { name: 'Table of audited results' }).getByText('Valid', { exact: true }),
  ).toHaveCount(6);

  await writeFile(join(folder, 'batch.json'), EXAMPLE_MANIFEST);
  const out = join(folder, 'out');
  await tabmeshInOrder([
    ['flow', 'run', '--manifest', 'batch.json', '--output-dir', 'out'],
    ['flow', 'aggregate', '--output-dir', 'out'],
  ]);
  const zip = unzipSync(await readFile(await saved(button('Save all as a zip'))));
  const names = await filesIn(out);
  expect(Object.keys(zip).sort()).toEqual(names.sort());
  for (const name of names) expect(Buffer.from(zip[name]!).equals(await readFile(join(out, name))), name).toBe(true);
  const { stdout } = await tabmesh('flow', 'audit', '--output-dir', out);
  expect(await readFile(await saved(button('Save the audit')), 'utf8')).toBe(stdout);
  expect(await readFile(await saved(button('Save ledger.json')), 'utf8')).toBe(
    await readFile(join(out, 'ledger.json'), 'utf8'),
  );
  await expectNoFaults(person);
});

test('a finished flow is opened from a zip or a folder and audited; what does not hold is named', async () => {
  const { page } = person;
  await page.reload();
  const audit = page.getByTestId('flow-audit');
  await page.getByLabel('Open a zip').setInputFiles(join(folder, 'flow.zip'));
  await expect(audit.getByText('Clean')).toBeVisible();
  await page.getByLabel('Open a folder').setInputFiles(join(folder, 'out'));
  await expect(audit.getByText('Clean')).toBeVisible();
  const ledger = join(folder, 'out', 'ledger.json');
  const text = await readFile(ledger, 'utf8');
  await writeFile(ledger, text.replace('"contribution_units": 1', '"contribution_units": 4'));
  await page.getByLabel('Open a folder').setInputFiles(join(folder, 'out'));
  await expect(page.getByRole('alert')).toContainText(
    'ledger.json: the file has another SHA-256 than hashes.json says.',
  );
  await expect(audit).toHaveCount(0);
  await page.getByLabel('Open a zip').setInputFiles(ledger);
  await expect(page.getByRole('alert')).toContainText('not a zip');
  await writeFile(ledger, text);
  await expectNoFaults(person);
});

test('peers of a log and verdicts of two logs are worked out in the page', async () => {
  const { page } = person;
  await page.reload();
  const out = join(folder, 'out');
  await page.getByLabel('Open a message log').setInputFiles(join(out, 'dispatch-message-log.json'));
  await expect(page.getByRole('region', { name: 'Table of peers' }).getByRole('row')).toHaveCount(3);
  await page.getByLabel('Open a message log').setInputFiles(join(folder, 'batch.json'));
  const peers = page.getByRole('region', { name: 'Peers in a message log' });
  await expect(peers.getByRole('alert')).toContainText("The message log's messages must be a list.");

  await page.getByLabel('Open the assignments').setInputFiles(join(out, 'dispatch-message-log.json'));
  await page.getByLabel('Open the results').setInputFiles(join(out, 'flow-message-log.json'));
  await button('Validate').click();
  await expect(page.getByText('6 of 6 results valid.')).toBeVisible();
  const report = await saved(button('Save the report'));
  const command = [
    '--assignments',
    join(out, 'dispatch-message-log.json'),
    '--results',
    join(out, 'flow-message-log.json'),
  ];
  const { stdout } = await tabmesh('results', 'validate', ...command, '--output', join(folder, 'verdicts.json'));
  expect(await readFile(report, 'utf8')).toBe(stdout);
  await expectNoFaults(person);
});

test('step by step in the page, saved midway and gone on with, gives the very files of the command line', async () => {
  const { page } = person;
  const way = join(folder, 'way');
  const ofNode = (node: string) =>
    [
      ...['inbox', 'process', '--node', node, '--dir', 'way', '--outbox', '--ledger', 'way/ledger.json'],
      ...['--state', `way/node-state/${node}.json`, '--output-log', `way/worker-message-logs/${node}.json`],
    ] as const;
  const log = 'way/dispatch-message-log.json';
  const commands = tabmeshInOrder([
    ['batch', 'dispatch', 'batch.json', '--message-log', log],
    ['inbox', 'materialise', '--message-log', log, '--dir', 'way'],
    ofNode('node-a'),
    ofNode('node-c'),
    ['outbox', 'collect', '--dir', 'way', '--message-log', 'way/results-message-log.json'],
  ]);
  commands.catch(() => {});
  await page.reload();
  const card = page.getByRole('region', { name: 'Step by step' });
  const said = card.getByRole('status');
  await button('Use the example').click();
  await button('Give out the jobs').click();
  await expect(said).toHaveText('Gave 6 jobs to 2 nodes; nobody works yet.');
  await button('Make the inboxes').click();
  await expect(said).toHaveText('Made 2 inboxes with 6 messages in all.');
  await page.getByLabel('Node that works').selectOption('node-a');
  await button('Do its work').focus();
  await page.keyboard.press('Enter');
  await expect(said).toContainText('node-a did 3 jobs (3 valid');
  const saving = button('Save the folder as a zip');
  const midway = await saved(saving);

  await page.reload();
  await page.getByLabel('Go on from a zip').setInputFiles(midway);
  await expect(said).toHaveText('Opened a folder with 7 files.');
  await button('Do its work').focus();
  await page.keyboard.press('Enter');
  await expect(said).toHaveText('node-a skipped 3 that it had done before.');
  await button('Do the work of all').click();
  await expect(said).toHaveText(
    /^2 nodes did 3 jobs \(3 valid, \d+ units?\) and skipped 3 that they had done before\.$/,
  );
  await button('Collect the outboxes').click();
  await expect(said).toHaveText('Collected 12 messages out of 2 outboxes.');
  await expect(card.getByRole('region', { name: 'Table of the ledger' }).getByRole('row')).toHaveCount(3);

  await commands;
  const zip = unzipSync(await readFile(await saved(saving)));
  const names = await filesIn(way);
  expect(Object.keys(zip).sort()).toEqual(names.sort());
  expect(names).toHaveLength(11);
  for (const name of names) expect(Buffer.from(zip[name]!).equals(await readFile(join(way, name))), name).toBe(true);
  const state = await saved(button('Save node-state/node-a.json'));
  expect(await readFile(state, 'utf8')).toBe(await readFile(join(way, 'node-state', 'node-a.json'), 'utf8'));

  await writeFile(join(way, 'node-state', 'node-a.json'), await readFile(join(way, 'node-state', 'node-c.json')));
  await page.getByLabel('Go on from a folder').setInputFiles(way);
  await expect(said).toHaveText('Opened a folder with 11 files.');
  await page.getByLabel('Node that works').selectOption('node-a');
  await button('Do its work').click();
  await expect(card.getByRole('alert')).toContainText(
    'node-state/node-a.json: The node state is that of the node "node-c".',
  );
  await button('Empty the folder').click();
  await button('Keep everything as it is').click();
  await expect(card.getByRole('region', { name: 'Table of the folder' })).toBeVisible();
  await button('Empty the folder').click();
  await button('Empty it').click();
  await expect(said).toHaveText('The folder is empty.');
  await expect(card.getByRole('region', { name: 'Table of the folder' })).toHaveCount(0);
  await expectNoFaults(person);
});

test('a flow takes its roster from heartbeats, with transport, by keyboard alone; a bad manifest is one sentence', async () => {
  const { page } = person;
  await page.getByLabel('Manifest (JSON)').fill(EXAMPLE_MANIFEST);
  await page.getByText('How a flow goes').click();
  await page.getByRole('checkbox', { name: /With transport/ }).check();
  await page.getByLabel('Roster from a message log').setInputFiles(join(folder, 'out', 'dispatch-message-log.json'));
  await button('Run as a flow in this tab').focus();
  await page.keyboard.press('Enter');
  const files = page.getByRole('region', { name: 'Table of files' });
  await expect(files.getByText('peer-summary.json')).toBeVisible();
  await expect(files.getByText('transport/inboxes/node-a.json')).toBeVisible();
  await page.getByLabel('Manifest (JSON)').fill('{ "nodes": [');
  await button('Run as a flow in this tab').click();
  await expect(page.getByRole('alert').first()).toContainText('The file is not valid JSON');
  await page.getByLabel('Manifest (JSON)').fill(EXAMPLE_MANIFEST);
  await button('Take the manifest’s nodes').click();
  await button('Run as a flow in this tab').click();
  await expect(page.getByTestId('flow-audit')).toBeVisible();
  await expectNoFaults(person);
});

test('axe finds nothing wrong with all of it open, light and dark, narrow and wide', async () => {
  const { page } = person;
  const log = join(folder, 'out', 'flow-message-log.json');
  for (const name of ['Open a message log', 'Open the assignments', 'Open the results']) {
    await page.getByLabel(name).setInputFiles(log);
  }
  await button('Validate').click();
  await expect(page.getByRole('region', { name: 'Table of verdicts' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Table of peers' })).toBeVisible();
  await page.getByLabel('Go on from a zip').setInputFiles(join(folder, 'batch.zip'));
  await expect(page.getByRole('region', { name: 'Table of the ledger' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Table of the folder' })).toBeVisible();
  await page.getByLabel('Take over a ledger').setInputFiles(join(folder, 'batch.json'));
  await expect(page.getByRole('region', { name: 'Step by step' }).getByRole('alert')).toBeVisible();
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    // Without motion, so that no colour is judged while it still changes.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      for (const violation of await violationsOf(page)) found.push(`${colorScheme} ${width}: ${violation}`);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      if (overflow > 0) found.push(`${colorScheme} ${width}: ${overflow} px wider than the window`);
    }
  }
  expect(found).toEqual([]);
  await expectNoFaults(person);
});
