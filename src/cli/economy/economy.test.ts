import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '#tests/steps';
import { utf8Decode } from '#core/base/bytes';
import { commands } from '../commands';
import { runCommandLine } from '../run-command-line';
import { sampleEconomy } from './sample-economy';

let folder: string;
const at = (name: string): string => join(folder, name);
const tabmesh = (...args: string[]) => runCommandLine(args, { commands, version: '0', folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-economy-'));
  const made = await tabmesh('economy', 'sample', '--dir', 'sample');
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the sample is the same bytes each time, and names every file', async () => {
  const again = await sampleEconomy(await readFile(join(ROOT, 'docs/bricks.json'), 'utf8'));
  for (const [path, bytes] of again) expect(await readFile(at(`sample/${path}`), 'utf8')).toBe(utf8Decode(bytes));
  const names = await readdir(at('sample'), { recursive: true, withFileTypes: true });
  expect(names.filter((entry) => entry.isFile())).toHaveLength(again.size);
});

test('the sample goes into no folder that holds anything, and leaves that as it is', async () => {
  await mkdir(at('full/inner'), { recursive: true });
  await writeFile(at('full/inner/mine'), 'mine');
  const refused = await tabmesh('economy', 'sample', '--dir', 'full');
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^[^\n]+not empty[^\n]+\n$/);
  expect(await readdir(at('full'), { recursive: true })).toEqual(['inner', 'inner/mine']);
});

test('the sample holds, and a check of it prints what it found', async () => {
  const held = await tabmesh('economy', 'check', '--dir', 'sample');
  expect(held).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(held.stdout)).toMatchObject({
    ok: true,
    faults: [],
    bricks: { counts: { bricks: 12 } },
    ledger: { supplyMicros: 1_200_000 },
  });
});

test('one changed value is exit code 1: the file in one sentence, everything in the report', async () => {
  const path = at('sample/work/answer.json');
  const before = await readFile(path, 'utf8');
  await writeFile(path, before.replace('"chargeMicros": 3000', '"chargeMicros": 4000'));
  const changed = await tabmesh('economy', 'check', '--dir', 'sample');
  await writeFile(path, before);
  expect(changed.exitCode).toBe(1);
  expect(changed.stderr).toMatch(/^work\/answer\.json: [^\n]+\n$/);
  const { ok, faults } = JSON.parse(changed.stdout) as { ok: boolean; faults: { file: string; code: string }[] };
  expect(ok).toBe(false);
  expect(faults).toContainEqual(expect.objectContaining({ file: 'work/answer.json', code: 'reading_differs' }));
});

test.each([
  ['a folder that is not there', 'none'],
  ['an empty folder', 'empty'],
])('nothing to check is an error: %s', async (_, name) => {
  if (name === 'empty') await mkdir(at(name));
  const refused = await tabmesh('economy', 'check', '--dir', name);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^There is no[^\n]+\n$/);
});

test('an exported ledger is replayed to what the sample says that it comes to', async () => {
  const replayed = await tabmesh('ledger', 'replay', 'sample/ledger/ledger.json');
  expect(replayed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(replayed.stdout).toBe(await readFile(at('sample/ledger/outcome.json'), 'utf8'));
  const refused = await tabmesh('ledger', 'replay', 'sample/bricks.json');
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/bricks\.json: This is not a Tabmesh ledger file\.\n$/);
});

test('without a folder the command line is wrong', async () => {
  for (const command of ['sample', 'check']) {
    expect(await tabmesh('economy', command)).toMatchObject({ exitCode: 2, stdout: '' });
  }
});
