import { readVitest, reportPath, runSteps, type Step } from './steps';

/**
 * What was found sound is not read again while it has the same content, under the same settings and version of the tool. Only
 * for what looks at each file alone; it lies with the packages and goes with them.
 */
const REMEMBERED = ['--cache', '--cache-strategy', 'content', '--cache-location'] as const;
const cacheOf = (name: string) => `node_modules/.cache/verify/${name}`;

/** A run of the projects of vite.config.ts that match, with its report. */
export const runTests = (report: string, project: string): readonly [string, ...string[]] => [
  'vitest',
  'run',
  '--project',
  project,
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportPath(report)}`,
];

/** Everything that needs neither a build nor a browser; the longest first, so that two at once end together. */
export const VERIFY_STEPS: readonly Step[] = [
  {
    name: 'tests',
    commands: [runTests('vitest', '!long')],
    report: { path: reportPath('vitest'), read: readVitest },
  },
  {
    // Of components and of every other file: the native compiler reads both at once.
    name: 'types',
    commands: [
      ['svelte-kit', 'sync'],
      ['svelte-check', '--tsgo', '--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human'],
    ],
  },
  { name: 'lint', commands: [['eslint', '--max-warnings', '0', ...REMEMBERED, cacheOf('eslint/'), '.']] },
  { name: 'promises', commands: [['oxlint', '--type-aware', 'src', 'workers', 'signaling', 'tests']] },
  {
    name: 'format',
    commands: [['prettier', '--check', '--log-level', 'warn', ...REMEMBERED, cacheOf('prettier.json'), '.']],
  },
  { name: 'unused', commands: [['knip', '--no-progress']] },
];

if (process.argv[1] === import.meta.filename) {
  const results = await runSteps(VERIFY_STEPS, { atOnce: 2, stopAtFailure: true });
  process.exitCode = results.every((result) => result.ok) ? 0 : 1;
}
