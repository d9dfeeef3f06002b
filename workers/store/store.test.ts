import { describe, expect, it } from 'vitest';
import { createMemoryDisk, createMemoryLocks, createMemoryTabs } from '#adapters/engine-store-memory';
import { unwrap } from '#core/base/result';
import { PIECE_BYTES } from '#core/engines/model-store';
import {
  SIZE,
  CHUNK_BYTES,
  content,
  sha,
  wish,
  never,
  hasty,
  createLine,
  stoppedAfter,
  storeOver,
  fetchWith,
  alive,
  recover,
  eventually,
} from '#tests/fakes/model-line';
import { createMortalDisk } from '#tests/fakes/mortal-disk';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { Disk } from './disk';
import { createPace } from './pace';
import { createStore } from './store';

describe('what a damaged disk gives back', () => {
  it('a piece that rotted is fetched again alone', async () => {
    const disk = await stoppedAfter(2);
    disk.rot(`bytes/${sha}`, 17);
    const line = createLine();
    expect((await fetchWith(storeOver(alive(disk), line.fetch), wish)).ok).toBe(true);
    expect(line.ranges[0]).toBe(`bytes=0-${PIECE_BYTES - 1}`);
    expect(line.receivedBytes).toBeLessThanOrEqual(SIZE - PIECE_BYTES);
  });

  it('a journal with a line that is none of ours starts the file again', async () => {
    const disk = await stoppedAfter(2);
    const text = new TextDecoder().decode(disk.fileAt(`journals/${sha}`));
    disk.put(`journals/${sha}`, new TextEncoder().encode(text.replace('{"piece":0,', '{"pieces":0,')));
    expect(await recover(disk, wish)).toBe(SIZE);
  });

  it('a journal that speaks of pieces which are not there is not believed', async () => {
    const disk = await stoppedAfter(2);
    disk.put(`bytes/${sha}`, new Uint8Array(10));
    expect(await recover(disk, wish)).toBe(SIZE);
  });

  it('an entry whose content was cut or lost is no file', async () => {
    for (const left of [null, 100]) {
      const disk = createMortalDisk();
      unwrap(await fetchWith(storeOver(alive(disk), createLine().fetch), wish));
      if (left !== null) disk.put(`bytes/${sha}`, content.slice(0, left));
      else await alive(disk).remove('bytes', sha);
      const store = storeOver(alive(disk), createLine().fetch);
      expect(await store.has(sha)).toBe(false);
      expect(await store.open(sha)).toMatchObject({ error: { code: 'not_stored' } });
      expect(await recover(disk, wish)).toBe(SIZE);
    }
  });

  it('a damaged entry is no file, and what it left is swept away', async () => {
    const disk = createMortalDisk();
    unwrap(await fetchWith(storeOver(alive(disk), createLine().fetch), wish));
    disk.put(`entries/${sha}`, new TextEncoder().encode('{"v":1}\n'));
    const store = storeOver(alive(disk), createLine().fetch);
    expect(unwrap(await store.list())).toEqual([]);
    await eventually(() => !disk.paths.includes(`bytes/${sha}`));
  });

  it('an unfinished download is not swept away', async () => {
    const disk = await stoppedAfter(2);
    disk.put('bytes/leftover', new Uint8Array(5));
    const store = storeOver(alive(disk), createLine().fetch);
    await eventually(() => !disk.paths.includes('bytes/leftover'));
    expect(unwrap(await store.unfinished())).toMatchObject([{ sha256: sha, url: wish.url, totalBytes: SIZE }]);
    expect(disk.paths).toContain(`bytes/${sha}`);
  });

  it('a download that began while the disk was looked over is not swept away', async () => {
    const disk = await stoppedAfter(2);
    const there = alive(disk);
    let looks = 0;
    const asItWas: Disk = {
      ...there,
      names: async (folder) => (folder === 'journals' && looks++ === 0 ? [] : there.names(folder)),
    };
    const store = storeOver(asItWas, createLine().fetch);
    await eventually(() => looks === 2);
    expect(unwrap(await store.unfinished())).toHaveLength(1);
    expect(disk.paths).toContain(`bytes/${sha}`);
  });

  it('a disk that cannot be written is one sentence', async () => {
    const broken: Disk = {
      ...createMemoryDisk(),
      open: () => Promise.reject(new DOMException('Denied.', 'SecurityError')),
    };
    const store = storeOver(broken, createLine().fetch);
    expect(await fetchWith(store, wish)).toMatchObject({ error: { code: 'store_failed' } });
    expect(await store.import(new Blob([content]), null)).toMatchObject({ error: { code: 'store_failed' } });
  });
});

describe('a server that answers with another part than was asked for', () => {
  it('is refused, and what is there stays', async () => {
    const disk = await stoppedAfter(1);
    const headers = { ETag: '"one"', 'Content-Range': `bytes 5-9/${SIZE}` };
    const store = storeOver(alive(disk), async () => new Response('bytes', { status: 206, headers }));
    expect(await fetchWith(store, wish)).toMatchObject({ error: { code: 'server_refused' } });
    expect(await recover(disk, wish)).toBeLessThan(SIZE - PIECE_BYTES + CHUNK_BYTES);
  });
});

describe('a disk without space', () => {
  const spare = 64 * 1024 * 1024;

  it('is noticed before anything is fetched, with how much is missing', async () => {
    const line = createLine();
    const store = storeOver(createMemoryDisk(SIZE + spare - 1_500_000), line.fetch);
    const result = await fetchWith(store, wish);
    expect(result).toMatchObject({ error: { code: 'no_space' } });
    expect(!result.ok && result.error.message).toContain('1.5 MB');
    expect(line.receivedBytes).toBe(0);
    const small = storeOver(createMemoryDisk(SIZE - 1), line.fetch);
    expect(await small.import(new Blob([content]), null)).toMatchObject({ error: { code: 'no_space' } });
  });

  it('that fills up half way keeps what came, and the rest comes when there is space', async () => {
    let full = true;
    const memory = createMemoryDisk();
    const disk: Disk = {
      ...memory,
      async open(folder, name) {
        const file = await memory.open(folder, name);
        return {
          ...file,
          write(bytes, at) {
            if (full && at + bytes.length > 1.5 * PIECE_BYTES) throw new DOMException('Full.', 'QuotaExceededError');
            file.write(bytes, at);
          },
        };
      },
    };
    const result = await fetchWith(storeOver(disk, createLine().fetch), wish);
    expect(result).toMatchObject({ error: { code: 'no_space' } });
    full = false;
    const line = createLine();
    const store = storeOver(disk, line.fetch);
    expect(unwrap(await store.unfinished())[0]!.storedBytes).toBe(PIECE_BYTES);
    expect((await fetchWith(store, wish)).ok).toBe(true);
    expect(line.ranges).toEqual([`bytes=${PIECE_BYTES}-`]);
  });
});

describe('time', () => {
  it('a connection over which nothing comes is given up after half a minute, and tried again', async () => {
    const clock = createVirtualClock();
    const line = createLine();
    let silent = true;
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (!silent) return line.fetch(input, init);
      silent = false;
      return new Promise((_resolve, reject) =>
        init!.signal!.addEventListener('abort', () => reject(new DOMException('Gone.', 'AbortError'))),
      );
    };
    const store = storeOver(createMemoryDisk(), fetch, createPace(clock, createSeededChance(1)));
    const running = fetchWith(store, wish);
    // Hashes are made off this thread, which a virtual clock does not wait for: it moves only while it is waited for.
    await eventually(() => clock.waiting > 0);
    await clock.advance(29_000);
    expect(line.ranges).toEqual([]);
    await clock.advance(32_000);
    expect((await running).ok).toBe(true);
    await eventually(() => clock.waiting === 0);
  });

  it('tries come later and later and end after half a minute or so', async () => {
    const clock = createVirtualClock();
    const times: number[] = [];
    const fetch: typeof globalThis.fetch = () => {
      times.push(clock.monotonicMs());
      return Promise.reject(new TypeError('no connection'));
    };
    const store = storeOver(createMemoryDisk(), fetch, createPace(clock, createSeededChance(3)));
    const running = fetchWith(store, wish);
    let ended = false;
    void running.then(() => (ended = true));
    await eventually(() => {
      void clock.advance(100);
      return ended;
    });
    expect(await running).toMatchObject({ error: { code: 'offline' } });
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    expect(gaps).toHaveLength(5);
    gaps.forEach((gap, index) => {
      expect(gap).toBeGreaterThanOrEqual(500 * 2 ** index);
      expect(gap).toBeLessThanOrEqual(1_000 * 2 ** index + 100);
    });
  });
});

describe('between tabs', () => {
  it('one that comes to a download where nothing moves is told how far it is', async () => {
    const shared = { disk: createMemoryDisk(), locks: createMemoryLocks(), pace: hasty };
    const openTabs = createMemoryTabs();
    const line = createLine();
    let stands = false;
    let goOn: () => void = () => {};
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const response = await line.fetch(input, init);
      const reader = response.body!.getReader();
      let left = 5;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
        {
          async pull(controller) {
            if (left-- === 0) {
              stands = true;
              await new Promise<void>((resolve) => (goOn = resolve));
            }
            const { done, value } = await reader.read();
            if (done) controller.close();
            else controller.enqueue(value);
          },
        },
        { highWaterMark: 0 },
      );
      return new Response(body, response);
    };
    const [one, two] = [0, 1].map(() => createStore({ ...shared, tabs: openTabs(), fetch }));
    const first = fetchWith(one!, wish);
    await eventually(() => stands);
    let told = 0;
    const second = two!.fetch(wish, ({ storedBytes }) => (told ||= storedBytes), never);
    await eventually(() => told > 0);
    expect(told).toBeLessThanOrEqual(5 * CHUNK_BYTES);
    goOn();
    expect((await first).ok && (await second).ok).toBe(true);
    expect(line.ranges).toHaveLength(1);
  });

  it('what is no message of ours is not heeded', async () => {
    const line = createLine();
    const listeners: ((message: unknown) => void)[] = [];
    const store = createStore({
      disk: createMemoryDisk(),
      locks: createMemoryLocks(),
      tabs: { post: () => {}, on: (listener) => void listeners.push(listener) },
      fetch: line.fetch,
      pace: hasty,
    });
    const running = fetchWith(store, wish);
    for (const message of [null, 'stop', { type: 'stop' }, { type: 'stop', id: '../x' }, { type: 'progress', id: sha }])
      listeners[0]!(message);
    expect((await running).ok).toBe(true);
  });
});
