import { expect, test } from '@playwright/test';
import { browserLaunch } from '../find-browser';
import { serveHarness, type HarnessServer } from './serve-harness';
import type { WebLlmHarness } from './web-llm.harness';

declare global {
  interface Window {
    webLlm: WebLlmHarness;
  }
}

const MODULE = '/tests/browser/web-llm.harness.ts';
let server: HarnessServer;

test.use({ launchOptions: browserLaunch(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']) });
test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/tests/browser/web-llm.worker.ts', '/workers/web-llm/main.ts'] });
});
test.afterAll(() => server.close());

test('the worker on web-llm keeps what language models promise, in a thread of its own', async ({ page }) => {
  await server.open(page, MODULE);
  const { cases, complaints } = await page.evaluate(() => window.webLlm.conformance());
  expect(complaints).toEqual([]);
  expect(cases).toBeGreaterThan(10);
});

test('a graphics device that is lost breaks the worker, and the next call has another', async ({ page }) => {
  await server.open(page, MODULE);
  const { failure, same, recoveryMs } = await page.evaluate(() => window.webLlm.loseDevice());
  expect(failure).toContain('engine_failed');
  expect(failure).toContain('the graphics device was lost');
  expect(same).toBe(true);
  console.log(`web-llm's worker came back ${Math.round(recoveryMs)} ms after its device was lost`);
});

test('the package itself keeps an answer that nobody checks, and takes it up where its device was lost', async ({
  page,
}) => {
  await server.open(page, MODULE);
  // Before the first copy of the cache, and after one.
  const { alone, text, answers } = await page.evaluate(() => window.webLlm.loseKept([3, 9]));
  expect(answers).toHaveLength(2);
  for (const { passes, kept, text: keptText, during, takenUp, after } of answers) {
    expect(kept).toEqual({ ok: true, value: alone });
    expect(keptText).toBe(text);
    expect(takenUp).toHaveLength(1);
    const { replayed, covered } = takenUp[0]!;
    // Journals are written behind the tokens: at most the last few are not on disk.
    expect(replayed + covered).toBeLessThanOrEqual(passes);
    if (passes === 9) expect(covered).toBeGreaterThanOrEqual(4);
    expect(during).toEqual([`job-${passes}`]);
    expect(after).toEqual([]);
  }
});

test('kept by the package, answers are what language models promise', async ({ page }) => {
  await server.open(page, MODULE);
  const { cases, complaints, left } = await page.evaluate(() => window.webLlm.keptConformance());
  expect(complaints).toEqual([]);
  expect(cases).toBeGreaterThan(10);
  expect(left).toEqual([]);
});

test('the package reads a model from the store alone, and asks the network for nothing', async ({ page, context }) => {
  const urls: string[] = [];
  context.on('request', (request) => urls.push(request.url()));
  await server.open(page, MODULE);
  expect(urls.filter((url) => url.includes('mlc-ai'))).toEqual([]);
  const failure = await page.evaluate(() => window.webLlm.loadWithPackage());
  // It came as far as the library, past the settings: both lay in caches that nobody filled.
  expect(failure).toMatch(/^load_failed: .*WebAssembly/);
  expect(urls.some((url) => url.includes('mlc-ai'))).toBe(true);
  expect(urls.filter((url) => !url.startsWith(server.origin) && !/^(data|blob):/.test(url))).toEqual([]);
  expect(await page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith('webllm')))).toEqual(
    [],
  );
});
