import { ensureBrowser } from './find-browser';
import { readPlaywright, readVitest, reportPath, runSteps, withoutColour, type Step } from './steps';
import { runTests, VERIFY_STEPS } from './verify';

/** Vite ends well although a plugin reported an error: such a build is not shipped. */
const ERROR_LINE = /^(?:\s*[✗✘×]|error\b|.*(?:\[error\]|\bError:)).*$/im;

const LONG_TESTS: Step = {
  name: 'long tests',
  commands: [runTests('vitest-long', 'long')],
  report: { path: reportPath('vitest-long'), read: readVitest },
};

const BUILD: Step = {
  name: 'build',
  commands: [['vite', 'build']],
  refuse: (output) => {
    const line = withoutColour(output).match(ERROR_LINE)?.[0];
    return line === undefined ? null : `The build printed an error: ${line.trim()}`;
  },
};

const BROWSER: Step = {
  name: 'browser',
  commands: [['playwright', 'test', '-c', 'tests/playwright.config.ts']],
  report: { path: reportPath('playwright'), read: readPlaywright },
  env: { TABMESH_JSON_REPORT: reportPath('playwright') },
  live: true,
};

const startedAt = performance.now();
const results = await runSteps([...VERIFY_STEPS, LONG_TESTS], { atOnce: 2, stopAtFailure: false });
const [built] = await runSteps([BUILD], { atOnce: 1, stopAtFailure: true });
if (built) results.push(built);

let failed = 0;
const browser = ensureBrowser();
if (!browser.ok) {
  console.log(browser.error.message);
  failed += 1;
} else if (built?.ok) {
  results.push(...(await runSteps([BROWSER], { atOnce: 1, stopAtFailure: true })));
} else {
  console.log('The browser tests need the build, which failed: they were not run.');
  failed += 1;
}

const passed = results.reduce((sum, result) => sum + result.passed, 0);
failed += results.reduce((sum, result) => sum + result.failed, 0);
// Again at the end: whoever reads only the last lines of a long run must find the reason there.
for (const failure of results.flatMap((result) => result.failures ?? [])) console.log(`\n${failure}`);
console.log(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s in all`);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
