import { readFileSync } from 'node:fs';
import { commands } from './commands';
import { runCommandLine } from './run-command-line';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// A reader that went away (`| head`) is no failure of ours.
process.stdout.on('error', () => {});

// npm runs scripts in the project's folder and tells in INIT_CWD where it was called.
const outcome = await runCommandLine(process.argv.slice(2), {
  commands,
  version,
  folder: process.env['INIT_CWD'] ?? process.cwd(),
});
process.stderr.write(outcome.stderr);
process.stdout.write(outcome.stdout);
// Set, not called: what was written must still drain.
process.exitCode = outcome.exitCode;
