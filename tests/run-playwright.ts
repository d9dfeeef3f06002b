import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBrowser } from './find-browser';
import { ROOT } from './steps';

/** `npm run test:browser -- [Playwright's arguments]`: the browser tests alone, over the build that is there. */
const browser = ensureBrowser();
if (!browser.ok) {
  console.error(browser.error.message);
  process.exitCode = 1;
} else {
  const args = ['test', '-c', 'tests/playwright.config.ts', ...process.argv.slice(2)];
  const child = spawn(join(ROOT, 'node_modules', '.bin', 'playwright'), args, { cwd: ROOT, stdio: 'inherit' });
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}
