import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openFsStorage } from '#adapters/storage-fs';
import { createMemory } from '#adapters/storage-memory';
import { unwrap } from '#core/base/result';
import type { NodeStorage } from '#core/storage/ports';
import { storageCases } from './storage';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-storage-'));
  folders.push(folder);
  return folder;
}

describe('storage in memory', () => {
  test.each(storageCases)('$name', async ({ run }) => {
    const memory = createMemory();
    await run(async () => memory.open());
  });
});

describe('storage in a folder', () => {
  test.each(storageCases)('$name', async ({ run }) => {
    const folder = await freshFolder();
    const opened: NodeStorage[] = [];
    await run(async () => {
      const storage = unwrap(await openFsStorage(folder));
      opened.push(storage);
      return storage;
    });
    for (const storage of opened) storage.close();
  });

  test('an entry cut short by a crash is cut off, at every length; what was acknowledged stays', async () => {
    const folder = await freshFolder();
    const log = join(folder, 'log');
    const first = unwrap(await openFsStorage(folder));
    for (let n = 0; n < 3; n++) unwrap(await first.log.append(n, Uint8Array.of(n, n, n)));
    first.close();
    const whole = await readFile(log);
    const frame = whole.length / 3;
    for (let cut = 1; cut < frame; cut++) {
      await writeFile(log, whole.subarray(0, whole.length - cut));
      const again = unwrap(await openFsStorage(folder));
      expect(unwrap(await again.log.length())).toBe(2);
      unwrap(await again.log.append(2, Uint8Array.of(7)));
      again.close();
      const after = unwrap(await openFsStorage(folder));
      expect(unwrap(await after.log.read(0, 9)).map(({ bytes }) => bytes[0])).toEqual([0, 1, 7]);
      after.close();
    }
  });

  test('a last entry whose bytes never reached the disk is cut off', async () => {
    const folder = await freshFolder();
    const log = join(folder, 'log');
    const first = unwrap(await openFsStorage(folder));
    for (let n = 0; n < 2; n++) unwrap(await first.log.append(n, Uint8Array.of(n, 5, 5)));
    first.close();
    const { size } = await stat(log);
    await truncate(log, size - 3);
    await appendFile(log, Uint8Array.of(0, 0, 0));
    const again = unwrap(await openFsStorage(folder));
    expect(unwrap(await again.log.length())).toBe(1);
    again.close();
  });

  test('damage before the end is said, and the file is left as it was', async () => {
    const folder = await freshFolder();
    const log = join(folder, 'log');
    const first = unwrap(await openFsStorage(folder));
    for (let n = 0; n < 3; n++) unwrap(await first.log.append(n, Uint8Array.of(n)));
    first.close();
    const damaged = await readFile(log);
    damaged[24] = damaged[24]! ^ 1;
    await writeFile(log, damaged);
    const again = await openFsStorage(folder);
    expect(again.ok ? 'ok' : again.error.code).toBe('storage_damaged');
    expect(await readFile(log)).toEqual(damaged);
  });

  test('a damaged record is said and does not hide the others', async () => {
    const folder = await freshFolder();
    const storage = unwrap(await openFsStorage(folder));
    unwrap(await storage.records.set('good', 1));
    await writeFile(join(folder, 'records', 'f'.repeat(64)), 'rubbish');
    expect(unwrap(await storage.records.keys(''))).toEqual(['good']);
    storage.close();
  });

  test('a folder that cannot be made is one sentence', async () => {
    const folder = await freshFolder();
    await writeFile(join(folder, 'file'), '');
    const opened = await openFsStorage(join(folder, 'file', 'inside'));
    expect(opened.ok ? 'ok' : opened.error.code).toBe('storage_unavailable');
  });
});
