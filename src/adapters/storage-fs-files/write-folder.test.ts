import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listFolder } from './list-folder';
import { writeFolder } from './write-folder';

const disk = vi.hoisted(() => ({ renames: Infinity }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  return {
    ...real,
    rename: (...args: Parameters<typeof real.rename>) =>
      disk.renames-- > 0 ? real.rename(...args) : Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
  };
});

let root: string;
const at = (name: string): string => join(root, name);
const files = new Map([
  ['b.json', 'é'],
  ['inner/one.json', '1'],
  ['inner/deep/two.json', '2'],
  ['last.json', 'end'],
]);
const namesIn = async (name: string) => (await readdir(at(name), { recursive: true })).sort();

beforeEach(async () => {
  disk.renames = Infinity;
  root = await mkdtemp(join(tmpdir(), 'tabmesh-folder-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('a new folder, and an empty one, hold exactly the files', async () => {
  await mkdir(at('empty'));
  for (const name of ['new/deep', 'empty']) {
    expect(await writeFolder(at(name), files)).toEqual({ ok: true, value: undefined });
    expect(await namesIn(name)).toEqual([
      'b.json',
      'inner',
      'inner/deep',
      'inner/deep/two.json',
      'inner/one.json',
      'last.json',
    ]);
    expect(await readFile(at(`${name}/b.json`), 'utf8')).toBe('é');
  }
});

test('a folder that holds anything, or that is a file, is refused and stays as it is', async () => {
  await mkdir(at('full'));
  await writeFile(at('full/.hidden'), 'mine');
  expect(await writeFolder(at('full'), files)).toMatchObject({ error: { code: 'folder_not_empty' } });
  expect(await namesIn('full')).toEqual(['.hidden']);
  await writeFile(at('file'), 'mine');
  expect(await writeFolder(at('file'), files)).toMatchObject({ error: { code: 'unwritable_folder' } });
  expect(await readFile(at('file'), 'utf8')).toBe('mine');
});

test('a failure at any move leaves the folder as it was, and none that was not there', async () => {
  await mkdir(at('empty'));
  for (const renames of [0, 1, 2]) {
    for (const name of ['empty', 'new/deep']) {
      disk.renames = renames;
      const written = await writeFolder(at(name), files);
      expect(written).toMatchObject({
        error: { code: 'unwritable_folder', message: expect.stringMatching(/^[^\n]+ENOSPC\)\.$/) },
      });
      expect(await readdir(root)).toEqual(['empty']);
      expect(await readdir(at('empty'))).toEqual([]);
    }
  }
});

test('the files of a folder are listed without the folders in it; no folder is null, one that is a file a failure', async () => {
  await writeFolder(at('new'), files);
  const listed = await listFolder(at('new'));
  expect(listed.ok && [...(listed.value ?? [])].sort()).toEqual(['b.json', 'last.json']);
  expect(await listFolder(at('none'))).toEqual({ ok: true, value: null });
  expect(await listFolder(at('new/b.json'))).toMatchObject({ error: { code: 'unreadable_folder' } });
});
