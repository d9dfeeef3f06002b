import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { commands } from './commands';
import { runCommandLine } from './run-command-line';

/** How the disk behaves: from its change number `at` on nothing works (`dies`), or that one change alone (`fails`). */
const disk = vi.hoisted(() => ({ at: Infinity, mode: 'fails' as 'fails' | 'dies', changes: 0 }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const fault = (counts: boolean): void => {
    if (counts) disk.changes += 1;
    const now = disk.mode === 'dies' ? disk.changes >= disk.at : counts && disk.changes === disk.at;
    if (now) throw Object.assign(new Error('The disk failed.'), { code: 'EIO' });
  };
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      fault(true);
      return real.open(...args);
    },
    rename: async (...args: Parameters<typeof real.rename>) => {
      fault(true);
      return real.rename(...args);
    },
    // Whoever is dead cleans up nothing.
    rm: async (...args: Parameters<typeof real.rm>) => {
      fault(false);
      return real.rm(...args);
    },
  };
});

/** Four files are written beside their targets, then four are moved over them. */
const CHANGES = 8;
const FILES = ['ledger.json', 'output.json', 'way/outboxes/a.json', 'state.json'];
const manifest = (jobs: number) => ({
  nodes: ['a'],
  jobs: Array.from({ length: jobs }, (_, index) => ({
    job_id: `j${index}`,
    job_type: 'echo',
    payload: { message: `m${index}` },
  })),
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tabmesh-kill-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function tabmesh(folder: string, line: string): Promise<number> {
  disk.changes = 0;
  return (await runCommandLine(line.split(' '), { commands, version: '0', folder })).exitCode;
}
const PROCESS =
  'inbox process --node a --dir way --ledger ledger.json --output-log output.json --outbox --state state.json';
const bytesOf = (folder: string) =>
  Promise.all(FILES.map((name) => readFile(join(folder, name), 'utf8').catch(() => null)));

async function give(folder: string, jobs: number): Promise<void> {
  await writeFile(join(folder, 'batch.json'), JSON.stringify(manifest(jobs)));
  expect(await tabmesh(folder, 'batch dispatch batch.json --message-log log.json')).toBe(0);
  expect(await tabmesh(folder, 'inbox materialise --message-log log.json --dir way')).toBe(0);
}
const newFolder = (): Promise<string> => mkdtemp(join(root, 'run-'));

describe.each([
  ['a first pass', 0],
  ['a later pass', 2],
])('%s that ends in the midst of its writing', (_, before) => {
  const prepared = async (): Promise<string> => {
    disk.at = Infinity;
    const folder = await newFolder();
    if (before > 0) {
      await give(folder, before);
      expect(await tabmesh(folder, PROCESS)).toBe(0);
    }
    await give(folder, 4);
    return folder;
  };

  test.each(['fails', 'dies'] as const)(
    'is completed by the next one with the same bytes, when the disk %s at any change',
    async (mode) => {
      const whole = await prepared();
      expect(await tabmesh(whole, PROCESS)).toBe(0);
      expect(disk.changes).toBe(CHANGES);
      const expected = await bytesOf(whole);
      expect(expected).not.toContain(null);
      for (let at = 1; at <= CHANGES; at++) {
        const folder = await prepared();
        const untouched = await bytesOf(folder);
        Object.assign(disk, { at, mode });
        expect(await tabmesh(folder, PROCESS)).toBe(1);
        disk.at = Infinity;
        const left = await bytesOf(folder);
        // Each file is as it was or as it will be, in the order of writing: the state never runs ahead.
        const written = Math.max(0, at - 1 - CHANGES / 2);
        expect(left).toEqual([...expected.slice(0, written), ...untouched.slice(written)]);
        expect(await tabmesh(folder, PROCESS)).toBe(0);
        expect(await bytesOf(folder)).toEqual(expected);
      }
    },
  );
});
