import { expect, test, type Page } from '@playwright/test';
import { hex } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import { openSandbox } from '#cli/open-sandbox';
import { sandboxCases, workspaceOf } from './sandbox.cases';
import type { SandboxHarness } from './sandbox.harness';
import { serveHarness, type HarnessServer } from './serve-harness';

declare global {
  interface Window {
    sandbox: SandboxHarness;
  }
}

const MODULE = '/tests/browser/sandbox.harness.ts';
const never = new AbortController().signal;
/** The same sandbox in Node, to hold the browser's bytes against. */
const inNode = openSandbox();

let server: HarnessServer;
test.beforeAll(async () => {
  server = await serveHarness({
    modules: [MODULE, '/workers/sandbox/sandbox.worker.ts'],
    // The harness page has an inline script; code from text stays forbidden, as in the app.
    headers: { 'Content-Security-Policy': "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'" },
  });
});
test.afterAll(async () => {
  inNode.dispose();
  await server.close();
});

const fine = workspaceOf("test('fine', () => {});");

test.describe('the sandbox in a worker', () => {
  // In one page, so that each run also shows that the one before left it usable.
  let page: Page;
  const elsewhere: string[] = [];
  test.beforeAll(async ({ browser }) => {
    const context = await browser.newContext({ timezoneId: 'Asia/Kolkata', locale: 'de-DE' });
    page = await context.newPage();
    page.on('request', (request) => {
      if (!request.url().startsWith(server.origin)) elsewhere.push(request.url());
    });
    await server.open(page, MODULE);
  });
  test.afterAll(() => page.context().close());

  for (const { name, request, report } of sandboxCases) {
    test(`${name}, in the same bytes as in Node`, async () => {
      const bytes = await page.evaluate((what) => window.sandbox.run(what), request);
      expect(bytes).toBe(hex(encodeCanonical(report)));
      expect(hex(encodeCanonical(unwrap(await inNode.run(request, never))))).toBe(bytes);
    });
  }

  test('nothing was fetched from elsewhere', () => {
    expect(elsewhere).toEqual([]);
  });
});

test('what hides in one long operation is ended at the deadline, and the next run works', async ({ page }) => {
  await server.open(page, MODULE);
  const hurried = (what: Parameters<SandboxHarness['runHurried']>[0]) =>
    page.evaluate((request) => window.sandbox.runHurried(request), what);
  // Fetches the interpreter, which has no place in a deadline that is far too short.
  await page.evaluate((request) => window.sandbox.run(request), fine);
  const quadratic = "test('t', () => { 'a'.repeat(8e6).indexOf('a'.repeat(4e6) + 'b'); });";
  const sparse = "test('t', () => { [].indexOf.call({ length: 2 ** 53 - 1 }, 1); });";
  for (const code of [quadratic, sparse]) expect(await hurried(workspaceOf(code))).toBe('sandbox_timeout');
  expect(await page.evaluate((request) => window.sandbox.outcomesOf(request), fine)).toBe('passed');
});

test('a run can be cancelled in the middle, and the next run works', async ({ page }) => {
  await server.open(page, MODULE);
  const endless = workspaceOf(
    "test('t', () => { for (let n = 0; n < 9; n++) 'a'.repeat(8e6).indexOf('a'.repeat(4e6) + 'b'); });",
  );
  expect(await page.evaluate((request) => window.sandbox.runCancelled(request), endless)).toBe('cancelled');
  expect(await page.evaluate((request) => window.sandbox.outcomesOf(request), fine)).toBe('passed');
});

test('where the worker itself runs out of stack, that run fails and the next one works', async ({ page }) => {
  await server.open(page, MODULE);
  const deep = workspaceOf(
    "test('t', () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a); });",
  );
  expect(await page.evaluate((request) => window.sandbox.run(request), deep)).toBe('sandbox_failed');
  expect(await page.evaluate((request) => window.sandbox.outcomesOf(request), fine)).toBe('passed');
});

test('the page goes on while code runs', async ({ page }) => {
  await server.open(page, MODULE);
  const busy = workspaceOf("for (let n = 0; n < 4; n++) test('loop ' + n, () => { for (;;); });");
  expect(await page.evaluate((request) => window.sandbox.turnsDuring(request), busy)).toBeGreaterThan(5);
});

test('without its engine every run is a failure that a person can read', async ({ page, context }) => {
  await context.route('**/*.wasm*', (route) => route.abort());
  await server.open(page, MODULE);
  expect(await page.evaluate((request) => window.sandbox.run(request), fine)).toBe('sandbox_failed');
});
