import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFolder } from './read-folder';

let folder: string;
const limits = { maxFiles: 3, maxBytes: 10 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('every file below a folder comes by its path, in order; a folder that is not there is null', async () => {
  await mkdir(join(folder, 'inner/deep'), { recursive: true });
  await writeFile(join(folder, 'inner/deep/b'), 'two');
  await writeFile(join(folder, 'inner.txt'), 'three');
  await writeFile(join(folder, 'a'), Uint8Array.of(255));
  const read = await readFolder(folder, limits);
  expect(read.ok && [...read.value!.keys()]).toEqual(['a', 'inner.txt', 'inner/deep/b']);
  expect(read.ok && read.value!.get('a')).toEqual(Uint8Array.of(255));
  expect(await readFolder(join(folder, 'none'), limits)).toEqual({ ok: true, value: null });
  expect(await readFolder(join(folder, 'inner/deep'), limits)).toMatchObject({ ok: true });
});

test('too many files, too many bytes, too deep a folder, a link or a file in its place is one sentence', async () => {
  const refused = async (code: string, path = folder) => {
    const read = await readFolder(path, limits);
    expect(read).toMatchObject({ ok: false, error: { code } });
    expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
  };
  await writeFile(join(folder, 'a'), '12345678901');
  await refused('too_large');
  await refused('unreadable_folder', join(folder, 'a'));
  await rm(join(folder, 'a'));
  for (const name of ['1', '2', '3', '4']) await writeFile(join(folder, name), 'x');
  await refused('too_large');
  await rm(join(folder, '4'));
  await rm(join(folder, '3'));
  await symlink(join(folder, '1'), join(folder, 'link'));
  await refused('unreadable_folder');
  await rm(join(folder, 'link'));
  await mkdir(join(folder, 'd/d/d/d/d/d/d/d/d'), { recursive: true });
  await refused('too_large');
});
