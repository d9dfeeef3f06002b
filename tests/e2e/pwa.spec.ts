import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type BrowserContext, type Page } from '@playwright/test';
import { browserLaunch } from '#tests/find-browser';
import { serveApp, type AppServer } from './serve-app';

/** Every place of the app, and one that does not exist. */
const PLACES = [
  '/',
  '/mesh',
  '/contribute',
  '/ledger',
  '/community',
  '/lab',
  '/tasks',
  '/settings',
  '/limits',
  '/checked',
  '/more',
  '/join',
  '/pair',
  '/models',
  '/experts',
  '/verify',
  '/contributions',
  '/no/such/place',
];

let app: AppServer;
test.beforeAll(async () => {
  app = await serveApp();
});
test.afterAll(() => app.close());

/** A profile on disk: Chromium installs nothing from a private window. */
async function withProfile(use: (context: BrowserContext) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-profile-'));
  const context = await chromium.launchPersistentContext(folder, browserLaunch());
  try {
    await use(context);
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Visits once, and waits until the service worker answers for the page. */
async function install(page: Page): Promise<void> {
  await page.goto(app.origin);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

test('the app can be installed, with a stable identity and icons of the sizes it states', async () => {
  await withProfile(async (context) => {
    const page = await context.newPage();
    await install(page);
    const devtools = await context.newCDPSession(page);
    expect(await devtools.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] });
    expect((await devtools.send('Page.getAppManifest')).errors).toEqual([]);
    expect((await devtools.send('Page.getAppId')).appId).toBe(`${app.origin}/`);
    const icons = await page.evaluate(async () => {
      const manifest = (await (await fetch('/manifest.webmanifest')).json()) as {
        icons: { src: string; sizes: string }[];
      };
      const sizes: { stated: string; real: string }[] = [];
      for (const icon of manifest.icons) {
        const picture = await createImageBitmap(await (await fetch(icon.src)).blob());
        sizes.push({ stated: icon.sizes, real: `${picture.width}x${picture.height}` });
      }
      return sizes;
    });
    expect(icons.length).toBeGreaterThanOrEqual(3);
    for (const { stated, real } of icons) expect(real).toBe(stated);
  });
});

test('after one visit every address opens without the network, isolated as before', async () => {
  await withProfile(async (context) => {
    const page = await context.newPage();
    const thrown: string[] = [];
    page.on('pageerror', (error) => thrown.push(`${page.url()}: ${error.stack ?? error.message}`));
    await install(page);
    await context.setOffline(true);
    await page.reload();
    for (const place of [...PLACES, '/join#i=x', '/?source=pwa']) {
      await page.goto(`${app.origin}${place}`);
      await expect(page.getByRole('heading', { level: 1 }), place).toBeVisible();
      expect(new URL(page.url()).hash, place).toBe(place.includes('#') ? '#i=x' : '');
      expect(await page.evaluate(() => crossOriginIsolated), place).toBe(true);
    }
    expect(thrown).toEqual([]);
  });
});

test('what the server answers itself is not answered from the shell', async () => {
  await withProfile(async (context) => {
    const page = await context.newPage();
    await install(page);
    const response = await page.goto(`${app.origin}/healthz`);
    expect(response?.fromServiceWorker()).toBe(false);
    expect(response?.headers()['content-type']).toContain('json');
  });
});

test('no page breaks the content security policy', async ({ context }) => {
  const violations: string[] = [];
  await context.exposeFunction('noteViolation', (violation: string) => violations.push(violation));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const note = (window as unknown as { noteViolation(text: string): void }).noteViolation;
      note(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await context.newPage();
  for (const place of PLACES) {
    await page.goto(`${app.origin}${place}`);
    await expect(page.getByRole('heading', { level: 1 }), place).toBeVisible();
    await page.evaluate(() => window.tabmesh?.ready);
  }
  expect(violations).toEqual([]);
  const policy = await page.locator('meta[http-equiv="content-security-policy"]').getAttribute('content');
  expect(policy).not.toMatch(/'unsafe-(inline|eval)'/);
  expect(policy).toContain("require-trusted-types-for 'script'");
});
