import { defineConfig } from '@playwright/test';
import { browserLaunch } from './find-browser';

export default defineConfig({
  testDir: '.',
  testMatch: ['browser/**/*.spec.ts', 'e2e/**/*.spec.ts'],
  fullyParallel: false,
  workers: 1,
  retries: 0,
  timeout: 90_000,
  forbidOnly: process.env['CI'] === 'true',
  outputDir: '../test-results',
  reporter: process.env['TABMESH_JSON_REPORT']
    ? [['line'], ['json', { outputFile: process.env['TABMESH_JSON_REPORT'] }]]
    : [['list']],
  use: { launchOptions: browserLaunch() },
});
