import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { importsOf } from '#tests/architecture/imports-of';
import { ROOT } from '#tests/steps';
import { firstVisit, MAX_FIRST_LOAD_SCRIPT_BYTES, MAX_VISIT_BYTES } from './first-visit';
import { serveApp, type AppServer } from './serve-app';

const MAX_PRECACHE_BYTES = 1_500_000;

let app: AppServer;
test.beforeAll(async () => {
  app = await serveApp();
});
test.afterAll(() => app.close());

test('a visit costs little until the person agrees to more', async ({ browser }) => {
  const visit = await firstVisit(browser, app.origin, { serviceWorkers: 'block' });
  const { scripts, scriptGzipBytes, wireBytes } = visit;
  const found = `${scripts} scripts, ${scriptGzipBytes} bytes compressed; ${wireBytes} bytes in all`;
  test.info().annotations.push({ type: 'size', description: found });
  expect(scripts).toBeGreaterThan(0);
  expect(scriptGzipBytes, found).toBeLessThanOrEqual(MAX_FIRST_LOAD_SCRIPT_BYTES);
  expect(wireBytes, found).toBeLessThanOrEqual(MAX_VISIT_BYTES);

  const installed = await firstVisit(browser, app.origin, {});
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
