import { defineConfig } from '@playwright/test';
import { browserLaunch } from './find-browser';

export default defineConfig({
  testDir: '.',
  testMatch: ['browser/**/*.spec.ts', 'e2e/**/*.spec.ts'],
  fullyParallel: false,
  workers: 1,
  retries: 0,
  // Tests wait on events; only a hang ends here, on a busy machine too.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: process.env['CI'] === 'true',
  outputDir: '../test-results',
  reporter: process.env['TABMESH_JSON_REPORT']
    ? [['line'], ['json', { outputFile: process.env['TABMESH_JSON_REPORT'] }]]
    : [['list']],
  use: { launchOptions: browserLaunch() },
});
