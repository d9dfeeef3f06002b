import { readVitest, reportPath, runSteps, type Step } from './steps';

/** Everything that needs neither a build nor a browser; the longest first, so that two at once end together. */
export const VERIFY_STEPS: readonly Step[] = [
  {
    name: 'tests',
    commands: [['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportPath('vitest')}`]],
    report: { path: reportPath('vitest'), read: readVitest },
  },
  {
    name: 'types',
    commands: [
      ['svelte-kit', 'sync'],
      ['tsc', '--noEmit', '-p', 'tsconfig.json'],
    ],
  },
  {
    name: 'components',
    commands: [['svelte-check', '--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human']],
  },
  { name: 'lint', commands: [['eslint', '--max-warnings', '0', '.']] },
  { name: 'format', commands: [['prettier', '--check', '--log-level', 'warn', '.']] },
  { name: 'unused', commands: [['knip', '--no-progress']] },
];

if (process.argv[1] === import.meta.filename) {
  const results = await runSteps(VERIFY_STEPS, { atOnce: 2, stopAtFailure: true });
  process.exitCode = results.every((result) => result.ok) ? 0 : 1;
}
