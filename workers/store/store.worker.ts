import { exposeToPage } from '../shared/expose';
import { createOpfsDisk } from './opfs-disk';
import { createRemotePace } from './pace';
import type { StoreWorker } from './protocol';
import { createStore } from './store';
import type { Locks, Tabs } from './tabs';

const locks: Locks = {
  hold: (name, signal, run) => navigator.locks.request(name, { signal }, run),
  holdIfFree: (name, run) =>
    navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await run();
    }),
};

function createTabs(): Tabs {
  const channel = new BroadcastChannel('tabmesh-store');
  return {
    post: (message) => channel.postMessage(message),
    on: (listener) => channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => listener(data)),
  };
}

let begin: (pace: MessagePort) => void = () => {};
const store = new Promise<MessagePort>((resolve) => (begin = resolve)).then((pace) =>
  createStore({
    disk: createOpfsDisk(),
    locks,
    tabs: createTabs(),
    fetch: (input, init) => fetch(input, init),
    pace: createRemotePace(pace),
  }),
);

const worker: StoreWorker<MessagePort> = {
  begin: (pace) => begin(pace),
  async fetch(wish, port) {
    const controller = new AbortController();
    port.onmessage = () => controller.abort();
    const result = await (await store).fetch(wish, (progress) => port.postMessage(progress), controller.signal);
    port.close();
    return result;
  },
  list: async () => (await store).list(),
  unfinished: async () => (await store).unfinished(),
  has: async (sha256) => (await store).has(sha256),
  import: async (file, sha256) => (await store).import(file, sha256),
  open: async (sha256) => (await store).open(sha256),
  read: async (sha256, fromByte, lengthBytes) => (await store).read(sha256, fromByte, lengthBytes),
  pieceHashes: async (sha256) => (await store).pieceHashes(sha256),
  delete: async (sha256) => (await store).delete(sha256),
  forget: async (url) => (await store).forget(url),
  usage: async () => (await store).usage(),
};

exposeToPage(worker);
