import { expect, test, type Page } from '@playwright/test';
import { languageModelCases } from '../conformance/language-model';
import type { EngineHarness } from './engine.harness';
import { serveHarness, type HarnessServer } from './serve-harness';

declare global {
  interface Window {
    engine: EngineHarness;
  }
}

const MODULE = '/tests/browser/engine.harness.ts';
const CACHE = 'models-v1';
let server: HarnessServer;

test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
});
test.afterAll(() => server.close());

const open = (page: Page): Promise<void> => server.open(page, MODULE);
const load = (page: Page) => page.evaluate(() => window.engine.load());

test.describe('Spark keeps what language models promise', () => {
  for (const { name } of languageModelCases) {
    test(name, async ({ page }) => {
      await open(page);
      expect(await page.evaluate((caseName) => window.engine.runCase(caseName), name)).toBe('');
    });
  }
});

test('nothing of the runtime or the model is fetched before the first load, and nothing from elsewhere ever', async ({
  page,
  context,
}) => {
  const urls: string[] = [];
  context.on('request', (request) => urls.push(request.url()));
  await open(page);
  expect(
    urls.filter((url) => /onnxruntime-web|@huggingface|\/workers\/transformers\/|models\/spark/.test(url)),
  ).toEqual([]);
  const { outcome, progress } = await load(page);
  expect(outcome).toMatchObject({ ok: true, identity: { id: 'spark-1', name: 'Spark', engine: 'transformers/wasm' } });
  expect(urls.some((url) => url.includes('models/spark/onnx/model.onnx'))).toBe(true);
  expect(urls.filter((url) => !url.startsWith(server.origin) && !url.startsWith('data:'))).toEqual([]);
  const last = progress.at(-1)!;
  expect(last.loadedBytes).toBe(last.totalBytes);
});

test('a model that was loaded once loads without a connection to its files', async ({ page, context }) => {
  await open(page);
  expect((await load(page)).outcome.ok).toBe(true);
  const asked: string[] = [];
  await context.route('**/models/spark/**', (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  expect((await load(page)).outcome.ok).toBe(true);
  expect(asked.every((url) => url.endsWith('/hashes.json'))).toBe(true);
  await page.evaluate((name) => caches.delete(name), CACHE);
  expect((await load(page)).outcome).toMatchObject({ ok: false, code: 'offline' });
});

test('a file that is not the one its list of hashes names is refused and not kept', async ({ page, context }) => {
  await open(page);
  await context.route('**/models/spark/onnx/model.onnx', async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[body.length >> 1]! ^= 1;
    await route.fulfill({ response, body });
  });
  expect((await load(page)).outcome).toMatchObject({ ok: false, code: 'hash_mismatch' });
  const kept = await page.evaluate(
    async (name) => (await (await caches.open(name)).keys()).map((request) => request.url),
    CACHE,
  );
  expect(kept.filter((url) => url.includes('model.onnx'))).toEqual([]);
  await context.unrouteAll();
  expect((await load(page)).outcome.ok).toBe(true);
});

test('two loads give one instance, and a disposed one is replaced', async ({ page }) => {
  await open(page);
  expect(await page.evaluate(() => window.engine.sameInstance())).toEqual({ same: true, replaced: true });
});
