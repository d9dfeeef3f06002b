import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type Page } from '@playwright/test';
import { browserLaunch } from '#tests/find-browser';
import { ROOT } from '#tests/steps';
import { serveApp } from './serve-app';

const NEXT_VERSION = '99.0.0-next';
const SOURCES = ['src', 'static', 'workers', 'package.json', 'svelte.config.js', 'vite.config.ts', 'tsconfig.json'];

/** Builds the same sources as another version, in a folder of its own. */
async function buildNext(folder: string): Promise<string> {
  for (const name of SOURCES) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object;
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: NEXT_VERSION }));
  await new Promise<void>((resolve, reject) => {
    const build = spawn(join(folder, 'node_modules', '.bin', 'vite'), ['build'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    build.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    build.on('error', reject);
    build.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`The next version does not build: ${complaint}`)),
    );
  });
  return join(folder, 'build');
}

/** The page is the last to arrive: it tells the server that the new build is whole. */
async function deploy(build: string, served: string): Promise<void> {
  await cp(build, served, { recursive: true, filter: (path) => !path.endsWith('200.html') });
  await cp(join(build, '200.html'), join(served, '200.html'));
}

const versionOf = (page: Page) => page.evaluate(() => window.tabmesh?.version);

async function openNode(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForFunction(() => window.tabmesh !== undefined);
  await page.evaluate(() => window.tabmesh?.ready);
}

test('a new version waits until the person says so, then switches every tab and keeps what was typed', async () => {
  // A build is part of it: only a hang ends here.
  test.setTimeout(900_000);
  const work = await mkdtemp(join(tmpdir(), 'tabmesh-update-'));
  const served = join(work, 'served');
  const next = await buildNext(join(work, 'next'));
  await deploy(join(ROOT, 'build'), served);
  const app = await serveApp({ folder: served });
  const context = await chromium.launchPersistentContext(join(work, 'profile'), browserLaunch());
  try {
    const first = await context.newPage();
    await openNode(first, app.origin);
    await first.waitForFunction(() => navigator.serviceWorker.controller !== null);
    const before = await versionOf(first);
    expect(before).not.toBe(NEXT_VERSION);
    const ledgerBefore = await first.evaluate(() => window.tabmesh?.ledger());

    const second = await context.newPage();
    await second.goto(`${app.origin}/limits`);
    await expect(second.getByRole('heading', { level: 1 })).toBeVisible();
    await first.bringToFront();
    await first.getByRole('textbox').fill('A question that is not yet sent');

    await deploy(next, served);
    const nextPage = await readFile(join(next, '200.html'), 'utf8');
    // The server looks for a new build at most once a second.
    await expect.poll(async () => (await fetch(`${app.origin}/200.html`)).text()).toBe(nextPage);
    const notice = first.getByTestId('update-notice');
    await expect
      .poll(
        async () => {
          await first.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
          return notice.isVisible();
        },
        { timeout: 120_000 },
      )
      .toBe(true);

    await second.reload();
    await expect(second.getByTestId('update-notice')).toBeVisible();
    expect(await versionOf(first), 'nothing switches unasked').toBe(before);
    await second.evaluate(() => document.documentElement.setAttribute('data-of-old-version', ''));

    const nextScript = nextPage.match(/\/_app\/immutable\/entry\/start\.[^"]+/)?.[0];
    // The switch comes in the middle of an answer, which is finished and receipted first. How long a model takes to load is
    // no matter of this test: a device that contributes has loaded it before anybody asks.
    await first.evaluate(() => window.tabmesh!.contribute(true));
    await first.evaluate(async () => {
      const run = window.tabmesh!.ask('What is Tabmesh?', { provider: 'self' });
      for await (const update of run.updates) if (update.type === 'token') return;
      await run.answer;
      throw new Error('The answer ended without a token.');
    });
    await notice.getByRole('button', { name: 'Switch now' }).click();
    await first.waitForFunction((version) => window.tabmesh?.version === version, NEXT_VERSION);
    // Both tabs load anew, and either may run the node now.
    const useHere = first.getByRole('button', { name: 'Use here' });
    await expect(useHere.or(first.getByRole('textbox'))).toBeVisible();
    if (await useHere.isVisible()) await useHere.click();
    await expect(first.getByRole('textbox')).toHaveValue('A question that is not yet sent');
    await first.waitForFunction(() => window.tabmesh?.status().state === 'online');
    const ledgerAfter = await first.evaluate(() => window.tabmesh?.ledger());
    expect(ledgerAfter?.entries.slice(0, ledgerBefore?.entries.length)).toEqual(ledgerBefore?.entries);
    expect(ledgerAfter?.entries.map((entry) => entry.type)).toContain('receipt.recorded');

    await expect(second.locator('html:not([data-of-old-version])')).toBeAttached();
    await expect(second.getByRole('heading', { level: 1 })).toBeVisible();
    expect(await second.evaluate(() => document.head.innerHTML)).toContain(nextScript);
    await expect(second.getByTestId('update-notice')).toBeHidden();
  } finally {
    await context.close();
    await app.close();
    await rm(work, { recursive: true, force: true });
  }
});
