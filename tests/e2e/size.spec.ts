import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test, type Browser, type BrowserContextOptions } from '@playwright/test';
import { importsOf } from '#tests/architecture/imports-of';
import { ROOT } from '#tests/steps';
import { countBytes, serveApp, type AppServer } from './serve-app';

const MAX_FIRST_LOAD_SCRIPT_BYTES = 130_000;
const MAX_VISIT_BYTES = 300_000;
const MAX_PRECACHE_BYTES = 1_500_000;

let app: AppServer;
test.beforeAll(async () => {
  app = await serveApp();
});
test.afterAll(() => app.close());

/** A first visit until the node is online: what went over the wire, and which scripts. */
async function visit(browser: Browser, options: BrowserContextOptions, until: 'online' | 'installed') {
  const wire = await countBytes(app.origin);
  const context = await browser.newContext(options);
  try {
    const scripts = new Set<string>();
    context.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (/\.m?js$/.test(pathname) && request.serviceWorker() === null) scripts.add(pathname);
    });
    const page = await context.newPage();
    await page.goto(wire.origin);
    await page.waitForFunction(() => window.tabmesh !== undefined);
    await page.evaluate(() => window.tabmesh?.ready);
    await expect.poll(() => page.evaluate(() => window.tabmesh?.status().state)).toBe('online');
    if (until === 'installed') await page.evaluate(() => navigator.serviceWorker.ready);
    return { wireBytes: wire.bytes(), scripts };
  } finally {
    await context.close();
    await wire.close();
  }
}

test('a visit costs little until the person agrees to more', async ({ browser }) => {
  const { wireBytes, scripts } = await visit(browser, { serviceWorkers: 'block' }, 'online');
  let scriptBytes = 0;
  for (const path of scripts) scriptBytes += gzipSync(readFileSync(join(ROOT, 'build', path))).length;
  const found = `${scripts.size} scripts, ${scriptBytes} bytes compressed; ${wireBytes} bytes in all`;
  test.info().annotations.push({ type: 'size', description: found });
  expect(scripts.size).toBeGreaterThan(0);
  expect(scriptBytes, found).toBeLessThanOrEqual(MAX_FIRST_LOAD_SCRIPT_BYTES);
  expect(wireBytes, found).toBeLessThanOrEqual(MAX_VISIT_BYTES);

  const installed = await visit(browser, {}, 'installed');
  expect(installed.wireBytes - wireBytes).toBeLessThanOrEqual(MAX_PRECACHE_BYTES);
});

test('what is fetched ahead holds no engine and no model', () => {
  const worker = readFileSync(join(ROOT, 'build', 'service-worker.js'), 'utf8');
  const urls = [...worker.matchAll(/"url":"([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(urls).toContain('/200.html');
  expect(urls.filter((url) => /\.wasm$|^\/models\/|\/ort-|web-?llm/.test(url))).toEqual([]);
});

test('the service worker is one classic script', () => {
  const worker = readFileSync(join(ROOT, 'build', 'service-worker.js'), 'utf8');
  expect(importsOf('service-worker.js', worker)).toEqual([]);
});
