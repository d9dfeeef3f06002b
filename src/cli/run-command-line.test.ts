import { expect, test } from 'vitest';
import { fail, ok } from '#core/base/result';
import type { Command, CommandInput } from './command';
import { runCommandLine } from './run-command-line';

const seen: CommandInput[] = [];
const paint: Command = {
  name: 'wall paint',
  usage: 'WALL [--colour C]',
  summary: 'paint a wall',
  positionals: 1,
  options: { colour: { type: 'string' } },
  run: async (input) => {
    seen.push(input);
    if (input.positionals[0] === 'cracked')
      return { ok: false, error: { code: 'cracked', message: 'The wall is cracked.', report: '{"cracks": 1}\n' } };
    return input.positionals[0] === 'wet' ? fail('wet', 'The wall is\n wet.') : ok(`${input.resolvePath('x')}\n`);
  },
};
const run = (...args: string[]) => runCommandLine(args, { commands: [paint], version: '1.2.3', folder: '/somewhere' });

test('a command gets its arguments and options, and paths resolve in the caller’s folder', async () => {
  expect(await run('wall', 'paint', 'north', '--colour', 'red')).toEqual({
    exitCode: 0,
    stdout: '/somewhere/x\n',
    stderr: '',
  });
  expect(seen.at(-1)).toMatchObject({ positionals: ['north'], options: { colour: 'red' } });
});

test('a failure is one line on standard error, nothing on standard output, exit code 1', async () => {
  expect(await run('wall', 'paint', 'wet')).toEqual({ exitCode: 1, stdout: '', stderr: 'The wall is wet.\n' });
});

test('what a command found is on standard output although it does not hold', async () => {
  expect(await run('wall', 'paint', 'cracked')).toEqual({
    exitCode: 1,
    stdout: '{"cracks": 1}\n',
    stderr: 'The wall is cracked.\n',
  });
});

test('version and help go to standard output', async () => {
  expect(await run('--version')).toEqual({ exitCode: 0, stdout: '1.2.3\n', stderr: '' });
  for (const args of [['--help'], ['wall', 'paint', '--help']])
    expect((await run(...args)).stdout).toContain('wall paint WALL');
});

test.each([
  [],
  ['roof'],
  ['--roof'],
  ['wall'],
  ['wall', 'paint'],
  ['wall', 'paint', 'a', 'b'],
  ['wall', 'paint', 'a', '--size', '3'],
  ['wall', 'paint', 'a', '--colour'],
])('the wrong command line %j %j %j %j is one sentence with exit code 2', async (...args) => {
  const before = seen.length;
  const outcome = await run(...args.filter((arg) => arg !== undefined));
  expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
  expect(outcome.stderr).toMatch(/^[^\n]+\n$/);
  expect(seen).toHaveLength(before);
});
