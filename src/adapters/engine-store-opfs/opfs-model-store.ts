import type { Chance, Clock } from '#core/base/ports';
import { err, fail, type Failure, type Result } from '#core/base/result';
import type { FetchProgress, ModelStore } from '#core/engines/model-store';
import { createPace, servePace } from '#workers/store/pace';
import type { SpawnStoreWorker, StoreWorkerHandle } from './store-worker-handle';

export interface OpfsModelStoreOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** How the worker is started; the one over the origin private file system when absent. */
  readonly spawn?: SpawnStoreWorker;
}

export interface OpfsModelStore extends ModelStore {
  /** Ends the worker. What came is kept but for the piece at work; a later call starts another. */
  close(): void;
}

const ended: Failure = { code: 'store_failed', message: 'The store of models on this device was closed.' };

/**
 * The model store of a browser, in a Web Worker of its own. The worker is started by the first call, and another by the
 * first call after it broke; what was under way then fails with `store_failed` and goes on when it is asked for again.
 */
export function createOpfsModelStore({ clock, chance, spawn }: OpfsModelStoreOptions): OpfsModelStore {
  const pace = createPace(clock, chance);
  let starting: Promise<StoreWorkerHandle> | null = null;
  let live: StoreWorkerHandle | null = null;
  const waiting = new Set<(why: Failure) => void>();

  function retire(why: Failure): void {
    live?.terminate();
    live = null;
    starting = null;
    for (const settle of [...waiting]) settle(why);
  }

  async function start(): Promise<StoreWorkerHandle> {
    const spawnWorker = spawn ?? (await import('./spawn-store-worker')).spawnStoreWorker;
    const handle = spawnWorker();
    live = handle;
    void handle.broken.then((why) => {
      if (live === handle) retire(why);
    });
    const { port1, port2 } = new MessageChannel();
    servePace(port1, pace);
    handle.worker.begin(port2);
    return handle;
  }

  /** A call's result, or why there is none: the worker could not be started, broke, or was closed meanwhile. */
  function ask<T>(call: (handle: StoreWorkerHandle) => Promise<T>, without: (why: Failure) => T): Promise<T> {
    return new Promise((resolve) => {
      const settle = (why: Failure): void => finish(without(why));
      const finish = (value: T): void => {
        waiting.delete(settle);
        resolve(value);
      };
      waiting.add(settle);
      const current = (starting ??= start());
      current.then(call).then(finish, (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        if (starting === current) retire({ code: 'store_failed', message: `The store of models failed: ${why}.` });
        else settle(ended);
      });
    });
  }
  const askFor = <T>(call: (handle: StoreWorkerHandle) => Promise<Result<T>>): Promise<Result<T>> =>
    ask<Result<T>>(call, err);

  return {
    list: () => askFor(({ worker }) => worker.list()),
    unfinished: () => askFor(({ worker }) => worker.unfinished()),
    has: (sha256) =>
      ask(
        ({ worker }) => worker.has(sha256),
        () => false,
      ),
    async fetch(wish, onProgress, signal) {
      if (signal.aborted) return fail('paused', 'The download was stopped before it began.');
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<FetchProgress>) => onProgress(data);
      const pause = (): void => port1.postMessage('pause');
      signal.addEventListener('abort', pause);
      const result = await askFor(({ worker }) => worker.fetch(wish, port2));
      signal.removeEventListener('abort', pause);
      port1.close();
      // Progress comes by a way of its own: the last of it may have been on its way.
      if (result.ok) onProgress({ storedBytes: result.value.sizeBytes, totalBytes: result.value.sizeBytes });
      return result;
    },
    import: (file, sha256) => askFor(({ worker }) => worker.import(file, sha256)),
    open: (sha256) => askFor(({ worker }) => worker.open(sha256)),
    read: (sha256, fromByte, lengthBytes) => askFor(({ worker }) => worker.read(sha256, fromByte, lengthBytes)),
    pieceHashes: (sha256) => askFor(({ worker }) => worker.pieceHashes(sha256)),
    delete: (sha256) => askFor(({ worker }) => worker.delete(sha256)),
    forget: (url) => askFor(({ worker }) => worker.forget(url)),
    usage: () =>
      ask(
        ({ worker }) => worker.usage(),
        () => ({ usedBytes: 0, freeBytes: null }),
      ),
    close: () => retire(ended),
  };
}
