import { defineConfig } from '@playwright/test';
import { browserLaunch } from './find-browser';

export default defineConfig({
  testDir: '.',
  testMatch: ['browser/**/*.spec.ts', 'e2e/**/*.spec.ts'],
  fullyParallel: false,
  // A file each: most of the time its pages wait for windows, deadlines and each other, so two cores carry two of them.
  workers: 2,
  retries: 0,
  // Tests wait on events; only a hang ends here, on a busy machine too.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  forbidOnly: process.env['CI'] === 'true',
  outputDir: '../test-results',
  reporter: process.env['TABMESH_JSON_REPORT']
    ? [['line'], ['json', { outputFile: process.env['TABMESH_JSON_REPORT'] }]]
    : [['list']],
  use: { launchOptions: browserLaunch() },
});
