import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commands } from '#cli/commands';
import { runCommandLine } from '#cli/run-command-line';
import { gateSample, type RunCommand } from './gate-sample';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-sample-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const tabmesh: RunCommand = (...args) => runCommandLine(args, { commands, version: '0', folder });
async function gated(run: RunCommand) {
  const passed: string[] = [];
  const failed = await gateSample(folder, run, (gate) => passed.push(gate));
  return { passed: passed.length, failed };
}

test('the sample passes every gate', async () => {
  expect(await gated(tabmesh)).toEqual({ passed: 10, failed: null });
});

test('a verifier that finds nothing wrong does not pass for one', async () => {
  let good = '';
  const { failed } = await gated(async (...args) => {
    const outcome = await tabmesh(...args);
    if (args[1] !== 'verify') return outcome;
    if (outcome.exitCode === 0) good = outcome.stdout;
    return { exitCode: 0, stdout: good, stderr: '' };
  });
  expect(failed).toContain('where seal/terminal-receipt.json was changed');
});

test('a command that does nothing ends the gates at once', async () => {
  const idle = await gated(async () => ({ exitCode: 1, stdout: '', stderr: 'No.\n' }));
  expect(idle).toEqual({ passed: 0, failed: expect.stringContaining('No.') as string });
});
