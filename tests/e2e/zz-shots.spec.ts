import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { arrive, nodeReady } from './people';
import { serveApp } from './serve-app';
test('shots', async ({ browser }) => {
  test.setTimeout(600_000);
  const app = await serveApp();
  const p = await arrive(browser, `${app.origin}/verify`, { context: { reducedMotion: 'reduce' } });
  const { page } = p;
  const good = await readFile('/tmp/one.car');
  const bad = Buffer.from(good); bad[bad.indexOf('"capability":"llm.chat@1","check"') + 3]! ^= 1;
  const shot = async (name: string) => {
    for (const scheme of ['light', 'dark'] as const) for (const width of [390, 1280]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `/tmp/shots-evidence/${name}-${width}-${scheme}.png`, fullPage: true });
    }
  };
  
  await page.getByLabel('Open a bundle').setInputFiles({ name: 'tabmesh-evidence-2026-11-29-abcd1234.car', mimeType: 'a/b', buffer: good });
  await expect(page.getByTestId('reviewable')).toBeVisible();
  
  await page.getByLabel('Open a bundle').setInputFiles({ name: 'bad.car', mimeType: 'a/b', buffer: bad });
  await expect(page.getByTestId('reviewable')).toHaveText('Not reviewable');
  await shot('verify-bad');
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(app.origin); await nodeReady(page);
  await page.getByTestId('ask-input').fill('What is Tabmesh?'); await page.getByTestId('ask-input').press('Enter');
  await page.getByRole('button', { name: 'Only on this device' }).click();
  await expect(page.getByTestId('verdict')).toHaveText('Unchecked', { timeout: 300_000 });
  await page.getByRole('button', { name: 'Seal this' }).click();
  await expect(page.getByRole('checkbox', { name: /Include/ })).toBeEnabled();
  const [d] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Seal and download' }).click()]);
  await d.saveAs('/tmp/shots-evidence/self.car');
  await shot('seal');
  await page.goto(`${app.origin}/settings`); await nodeReady(page);
  await expect(page.getByText(/^1 trace, /)).toBeVisible();
  await shot('settings');
  await p.context.close(); await app.close();
});
