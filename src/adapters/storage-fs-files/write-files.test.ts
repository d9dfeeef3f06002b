import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isFolder, listFiles, readFileBytes, readTextFile, writeFiles } from './write-files';

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('files are written whole, in new folders too, and nothing else is left', async () => {
  await writeFile(at('old'), 'before');
  const writes = [
    { path: at('old'), text: 'after' },
    { path: at('new/deep/file'), text: 'é😀' },
  ];
  expect(await writeFiles(writes)).toEqual({ ok: true, value: undefined });
  expect(await readTextFile(at('old'), 100)).toEqual({ ok: true, value: 'after' });
  expect(await readTextFile(at('new/deep/file'), 100)).toEqual({ ok: true, value: 'é😀' });
  expect(await readdir(folder)).toEqual(['new', 'old']);
});

test('when one of the files cannot be written none is', async () => {
  await writeFile(at('first'), 'before');
  await mkdir(at('second'));
  const written = await writeFiles([
    { path: at('first'), text: 'after' },
    { path: at('second'), text: 'x' },
  ]);
  expect(written).toMatchObject({ ok: false, error: { code: 'unwritable_file' } });
  expect(await readFile(at('first'), 'utf8')).toBe('before');
  expect(await readdir(folder)).toEqual(['first', 'second']);
});

test('a file that changed since it was read is not overwritten', async () => {
  await writeFile(at('ledger'), 'theirs');
  const writes = [
    { path: at('log'), text: 'log' },
    { path: at('ledger'), text: 'ours', readAs: null },
  ];
  expect(await writeFiles(writes)).toMatchObject({ ok: false, error: { code: 'file_changed' } });
  expect(await readFile(at('ledger'), 'utf8')).toBe('theirs');
  expect(await readdir(folder)).toEqual(['ledger']);
});

test('a link keeps being a link, a file keeps its mode, the same file twice is refused', async () => {
  await writeFile(at('real'), 'before');
  await chmod(at('real'), 0o600);
  await symlink(at('real'), at('link'));
  expect((await writeFiles([{ path: at('link'), text: 'after' }])).ok).toBe(true);
  expect(await readFile(at('real'), 'utf8')).toBe('after');
  expect((await stat(at('real'))).mode & 0o777).toBe(0o600);
  const twice = [
    { path: at('real'), text: 'a' },
    { path: at('link'), text: 'b' },
  ];
  expect((await writeFiles(twice)).ok).toBe(false);
  expect(await readFile(at('real'), 'utf8')).toBe('after');
});

test('reading says null for a missing file and one sentence for what cannot be read', async () => {
  await writeFile(at('bytes'), new Uint8Array([0xff, 0xfe]));
  expect(await readTextFile(at('none'), 100)).toEqual({ ok: true, value: null });
  for (const [path, maxBytes] of [
    [folder, 100],
    [at('bytes'), 100],
    [at('bytes'), 1],
  ] as const) {
    const read = await readTextFile(path, maxBytes);
    expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
  }
});

test('bytes are written and read as they are, and a secret file is its owner’s alone', async () => {
  const bytes = new Uint8Array([0, 255, 10]);
  expect((await writeFiles([{ path: at('key'), text: bytes, secret: true }])).ok).toBe(true);
  expect((await stat(at('key'))).mode & 0o777).toBe(0o600);
  expect(await readFileBytes(at('key'), 3)).toEqual({ ok: true, value: bytes });
  expect(await readFileBytes(at('none'), 3)).toEqual({ ok: true, value: null });
  expect(await readFileBytes(at('key'), 2)).toMatchObject({ ok: false, error: { code: 'unreadable_file' } });
});

test('a folder is listed with its folders, and links are neither listed nor followed', async () => {
  await mkdir(at('in/deep'), { recursive: true });
  await writeFile(at('in/deep/b'), 'b');
  await writeFile(at('in/a'), 'a');
  await writeFile(at('outside'), 'secret');
  await symlink(at('outside'), at('in/link'));
  await symlink(folder, at('in/up'));
  expect(await listFiles(at('in'), 10)).toEqual({ ok: true, value: ['a', 'deep/b'] });
  expect(await listFiles(at('in'), 1)).toMatchObject({ error: { code: 'unreadable_folder' } });
  expect(await listFiles(at('none'), 10)).toMatchObject({ error: { code: 'unreadable_folder' } });
  expect(await readFileBytes(at('in/link'), 100)).toMatchObject({ error: { code: 'unreadable_file' } });
  expect([await isFolder(at('in')), await isFolder(at('in/a')), await isFolder(at('none'))]).toEqual([
    true,
    false,
    false,
  ]);
});
