import { expect } from 'vitest';
import { hex } from '#core/base/bytes';
import { unwrap } from '#core/base/result';
import { PIECE_BYTES, type FileWish, type ModelStore } from '#core/engines/model-store';
import { createMemoryLocks, createMemoryTabs } from '#adapters/engine-store-memory';
import type { Disk } from '#workers/store/disk';
import type { Pace } from '#workers/store/pace';
import { createStore } from '#workers/store/store';
import { contentOf } from './model-server-client';
import { createMortalDisk, type MortalDisk } from './mortal-disk';

export const SIZE = 2 * PIECE_BYTES + 150_000;
export const CHUNK_BYTES = 100_000;
export const content = contentOf(7, SIZE);
export const hashOf = async (bytes: BufferSource): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
export const sha = await hashOf(content);
export const wish: FileWish = { sha256: sha, sizeBytes: SIZE, url: 'https://models.test/file.bin' };
export const unnamed: FileWish = { ...wish, sha256: null, sizeBytes: null };
export const never = new AbortController().signal;
/** Retries come at once; silence never falls. */
export const hasty: Pace = {
  after(wait, run) {
    if (wait.for === 'silence') return () => {};
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

/** Serves one content with ranges, in process. */
export function createLine(served: Uint8Array<ArrayBuffer> = content) {
  const line = {
    receivedBytes: 0,
    ranges: [] as string[],
    fetch: async (_input: unknown, init?: RequestInit): Promise<Response> => {
      const range = new Headers(init?.headers).get('Range')!;
      line.ranges.push(range);
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range)!;
      const end = to === '' ? served.length : Number(to) + 1;
      let at = Number(from);
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
        {
          pull(controller) {
            if (at >= end) return controller.close();
            const chunk = served.slice(at, Math.min(at + CHUNK_BYTES, end));
            at += chunk.length;
            line.receivedBytes += chunk.length;
            controller.enqueue(chunk);
          },
        },
        { highWaterMark: 0 },
      );
      const headers = { ETag: '"one"', 'Content-Range': `bytes ${from}-${end - 1}/${served.length}` };
      return new Response(body, { status: 206, headers });
    },
  };
  return line;
}

export const storeOver = (disk: Disk, fetch: typeof globalThis.fetch, pace: Pace = hasty): ModelStore =>
  createStore({ disk, locks: createMemoryLocks(), tabs: createMemoryTabs()(), fetch, pace });
export const fetchWith = (store: ModelStore, wanted: FileWish) => store.fetch(wanted, () => {}, never);
export const alive = (disk: MortalDisk): Disk => disk.until(Infinity, 'tab');

/** Everything that is there is right, and the file can be had. Gives how much was fetched for that. */
export async function recover(disk: MortalDisk, wanted: FileWish): Promise<number> {
  const line = createLine();
  const store = storeOver(alive(disk), line.fetch);
  for (const { sha256: name } of unwrap(await store.list()))
    expect(await hashOf(await unwrap(await store.open(name)).arrayBuffer())).toBe(name);
  expect(unwrap(await fetchWith(store, wanted)).sha256).toBe(sha);
  expect(await hashOf(await unwrap(await store.open(sha)).arrayBuffer())).toBe(sha);
  expect(unwrap(await store.unfinished())).toEqual([]);
  return line.receivedBytes;
}

/** Waits, turn by turn, for what a store does without being asked. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** A download that stopped after `pieces` pieces, on a disk of its own. */
export async function stoppedAfter(pieces: number): Promise<MortalDisk> {
  const disk = createMortalDisk();
  const line = createLine();
  const controller = new AbortController();
  const stopAt = pieces * PIECE_BYTES;
  const result = await storeOver(alive(disk), line.fetch).fetch(
    wish,
    ({ storedBytes }) => {
      if (storedBytes >= stopAt) controller.abort();
    },
    controller.signal,
  );
  expect(result).toMatchObject({ error: { code: 'paused' } });
  return disk;
}
