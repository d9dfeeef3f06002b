import { describe, expect, it } from 'vitest';
import { createMemoryDisk, createMemoryLocks, createMemoryTabs } from '#adapters/engine-store-memory';
import type { Failure } from '#core/base/result';
import { unwrap } from '#core/base/result';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createRemotePace, type Pace } from '#workers/store/pace';
import { createStore } from '#workers/store/store';
import { createOpfsModelStore } from './opfs-model-store';
import type { StoreWorkerHandle } from './store-worker-handle';

const content = new TextEncoder().encode('weights');
const sha256 = 'a'.repeat(64);
const wish = { sha256: null, sizeBytes: null, url: 'https://models.test/file.bin' };
const never = new AbortController().signal;

interface FakeWorker extends StoreWorkerHandle {
  terminated: boolean;
  breakDown(why: string): void;
}

/** A page's store whose workers are stores in memory over one disk; `fetch` is what they download with. */
function world(fetch: typeof globalThis.fetch, broken: 'call' | 'spawn' | null = null) {
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const locks = createMemoryLocks();
  const workers: FakeWorker[] = [];
  const spawn = (): FakeWorker => {
    if (broken === 'spawn') throw new Error('no workers here');
    let tell: (why: Failure) => void = () => {};
    let begin: (pace: Pace) => void = () => {};
    const store = new Promise<Pace>((resolve) => (begin = resolve)).then((pace) =>
      createStore({ disk, locks, tabs: createMemoryTabs()(), fetch, pace }),
    );
    const worker: FakeWorker = {
      worker: {
        begin: (port) => begin(createRemotePace(port)),
        async fetch(wanted, port) {
          const controller = new AbortController();
          port.onmessage = () => controller.abort();
          const result = await (await store).fetch(wanted, (state) => port.postMessage(state), controller.signal);
          port.close();
          return result;
        },
        list: async () => (broken === 'call' ? Promise.reject(new Error('it threw')) : (await store).list()),
        unfinished: async () => (await store).unfinished(),
        has: async (name) => (await store).has(name),
        import: async (file, name) => (await store).import(file, name),
        open: async (name) => (await store).open(name),
        read: async (name, from, length) => (await store).read(name, from, length),
        pieceHashes: async (name) => (await store).pieceHashes(name),
        delete: async (name) => (await store).delete(name),
        forget: async (url) => (await store).forget(url),
        usage: async () => (await store).usage(),
      },
      broken: new Promise((resolve) => (tell = resolve)),
      terminated: false,
      terminate() {
        worker.terminated = true;
      },
      breakDown: (why) => tell({ code: 'store_failed', message: why }),
    };
    workers.push(worker);
    return worker;
  };
  const store = createOpfsModelStore({ clock, chance: createSeededChance(1), spawn });
  return { clock, store, workers };
}

const hanging: typeof fetch = (_input, init) =>
  new Promise((_resolve, reject) =>
    init!.signal!.addEventListener('abort', () => reject(new DOMException('Gone.', 'AbortError'))),
  );

/** One turn of the event loop after the other. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the store on the page', () => {
  it('starts its worker with the first call, and one only', async () => {
    const { store, workers } = world(async () => new Response(content));
    expect(workers).toHaveLength(0);
    const results = await Promise.all([store.list(), store.usage(), store.has(sha256)]);
    expect(results[0]).toEqual({ ok: true, value: [] });
    expect(workers).toHaveLength(1);
    store.close();
  });

  it('tells progress up to the whole file', async () => {
    const { store } = world(async () => new Response(content, { headers: { 'Content-Length': '7' } }));
    const told: number[] = [];
    const stored = unwrap(await store.fetch(wish, ({ storedBytes }) => told.push(storedBytes), never));
    expect(stored).toMatchObject({ sizeBytes: 7, pinned: false });
    expect(told.at(-1)).toBe(7);
    store.close();
  });

  it('passes a pause on, and does not start what is paused before it began', async () => {
    const { store, workers } = world(hanging);
    const controller = new AbortController();
    const running = store.fetch(wish, () => controller.abort(), controller.signal);
    expect(await running).toMatchObject({ error: { code: 'paused' } });
    expect(await store.fetch(wish, () => {}, controller.signal)).toMatchObject({ error: { code: 'paused' } });
    expect(workers).toHaveLength(1);
    store.close();
  });

  it('gives the worker the time of the page', async () => {
    let tries = 0;
    const { clock, store } = world(() => {
      tries++;
      return Promise.reject(new TypeError('no connection'));
    });
    const running = store.fetch(wish, () => {}, never);
    await eventually(() => tries === 1 && clock.waiting > 0);
    expect(tries).toBe(1);
    let ended = false;
    void running.then(() => (ended = true));
    await eventually(() => {
      void clock.advance(1_000);
      return ended;
    });
    expect(await running).toMatchObject({ error: { code: 'offline' } });
    expect(tries).toBe(6);
    expect(clock.waiting).toBe(0);
    store.close();
  });

  it('answers what waits when its worker breaks, and starts another for the next call', async () => {
    const { store, workers } = world(hanging);
    let begun: () => void = () => {};
    const coming = new Promise<void>((resolve) => (begun = resolve));
    const running = store.fetch(wish, begun, never);
    await coming;
    workers[0]!.breakDown('it ran out of memory');
    expect(await running).toEqual({ ok: false, error: { code: 'store_failed', message: 'it ran out of memory' } });
    expect(workers[0]!.terminated).toBe(true);
    expect((await store.list()).ok).toBe(true);
    expect(workers).toHaveLength(2);
    store.close();
  });

  it('is closed with everything that waits, and opens again by itself', async () => {
    const { store, workers } = world(hanging);
    let begun: () => void = () => {};
    const coming = new Promise<void>((resolve) => (begun = resolve));
    const running = store.fetch(wish, begun, never);
    await coming;
    store.close();
    expect(await running).toMatchObject({ error: { code: 'store_failed' } });
    expect(workers[0]!.terminated).toBe(true);
    expect((await store.list()).ok).toBe(true);
    store.close();
  });

  it('says in one sentence that a call broke or no worker could be started', async () => {
    for (const broken of ['call', 'spawn'] as const) {
      const { store } = world(hanging, broken);
      const result = await store.list();
      expect(result).toMatchObject({ error: { code: 'store_failed' } });
      expect(!result.ok && result.error.message).toMatch(/^The store of models failed: .+\.$/);
      expect(await store.has(sha256)).toBe(false);
      store.close();
    }
  });
});
