import { transfer, wrap } from 'comlink';
import type { Failure } from '#core/base/result';
import type { StoreWorker } from '#workers/store/protocol';
import type { StoreWorkerHandle } from './store-worker-handle';

/** Starts the Web Worker that keeps models. Its script is first fetched here. */
export function spawnStoreWorker(): StoreWorkerHandle {
  const thread = new Worker(new URL('../../../workers/store/store.worker.ts', import.meta.url), {
    type: 'module',
    name: 'store',
  });
  const remote = wrap<StoreWorker<MessagePort>>(thread);
  const broken = new Promise<Failure>((resolve) => {
    const tell = (why: string): void =>
      resolve({ code: 'store_failed', message: `The store of models on this device stopped: ${why}.` });
    thread.addEventListener('error', (event) => {
      event.preventDefault();
      tell(event.message || 'its script could not be loaded');
    });
    thread.addEventListener('messageerror', () => tell('a message could not be read'));
  });
  return {
    worker: {
      begin: (pace) => void remote.begin(transfer(pace, [pace])),
      fetch: (wish, port) => remote.fetch(wish, transfer(port, [port])),
      list: () => remote.list(),
      unfinished: () => remote.unfinished(),
      has: (sha256) => remote.has(sha256),
      import: (file, sha256) => remote.import(file, sha256),
      open: (sha256) => remote.open(sha256),
      read: (sha256, fromByte, lengthBytes) => remote.read(sha256, fromByte, lengthBytes),
      pieceHashes: (sha256) => remote.pieceHashes(sha256),
      delete: (sha256) => remote.delete(sha256),
      forget: (url) => remote.forget(url),
      usage: () => remote.usage(),
    },
    broken,
    terminate: () => thread.terminate(),
  };
}
