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
let server: HarnessServer;

test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
});
test.afterAll(() => server.close());

const open = (page: Page): Promise<void> => server.open(page, MODULE);

test.describe('Spark keeps what language models promise', () => {
  for (const { name } of languageModelCases) {
    test(name, async ({ page }) => {
      await open(page);
      expect(await page.evaluate((caseName) => window.engine.runCase(caseName), name)).toBe('');
    });
  }
});
