import type { Chance, Clock } from '#core/base/ports';
import type { ModelStore } from '#core/engines/model-store';
import type { Disk, DiskFile, Folder } from '#workers/store/disk';
import { createPace } from '#workers/store/pace';
import { createStore } from '#workers/store/store';
import type { Locks, TabMessage, Tabs } from '#workers/store/tabs';

export interface StoreMemoryOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly fetch: typeof globalThis.fetch;
  /** How much fits in all; without a limit when absent. */
  readonly quotaBytes?: number;
}

/** Memory in the place of a disk. Every `open` of it is a tab: all share what is stored, and each other's locks. */
export interface StoreMemory {
  open(): ModelStore;
}

/** Model stores that live as long as this object: for tests, simulations, and nodes that may keep nothing. */
export function createStoreMemory({ clock, chance, fetch, quotaBytes }: StoreMemoryOptions): StoreMemory {
  const disk = createMemoryDisk(quotaBytes);
  const locks = createMemoryLocks();
  const openTabs = createMemoryTabs();
  const pace = createPace(clock, chance);
  return { open: () => createStore({ disk, locks, tabs: openTabs(), fetch, pace }) };
}

interface Held {
  bytes: Uint8Array<ArrayBuffer>;
  sizeBytes: number;
  open: boolean;
}

/** A disk that forgets when it is let go. It grows by doubling, counts to its quota and refuses a second writer. */
export function createMemoryDisk(quotaBytes?: number): Disk {
  const heldByPath = new Map<string, Held>();
  const usedBytes = (): number => [...heldByPath.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const pathOf = (folder: Folder, name: string): string => `${folder}/${name}`;

  const resize = (held: Held, sizeBytes: number): void => {
    if (sizeBytes - held.sizeBytes > (quotaBytes ?? Infinity) - usedBytes())
      throw new DOMException('The memory is full.', 'QuotaExceededError');
    if (sizeBytes > held.bytes.length) {
      const larger = new Uint8Array(Math.max(sizeBytes, held.bytes.length * 2));
      larger.set(held.bytes.subarray(0, held.sizeBytes));
      held.bytes = larger;
    }
    // What is cut off reads as zeros when the file grows again.
    held.bytes.fill(0, Math.min(sizeBytes, held.sizeBytes), held.sizeBytes);
    held.sizeBytes = sizeBytes;
  };
  const writer = (held: Held): DiskFile => ({
    sizeBytes: () => held.sizeBytes,
    read(into, at) {
      const found = held.bytes.subarray(at, Math.min(held.sizeBytes, at + into.length));
      into.set(found);
      return found.length;
    },
    write(bytes, at) {
      if (at + bytes.length > held.sizeBytes) resize(held, at + bytes.length);
      held.bytes.set(bytes, at);
    },
    truncate: (sizeBytes) => resize(held, sizeBytes),
    flush() {},
    close() {
      held.open = false;
    },
  });

  return {
    async names(folder) {
      const paths = [...heldByPath.keys()].filter((path) => path.startsWith(`${folder}/`));
      return paths.map((path) => path.slice(folder.length + 1));
    },
    async open(folder, name) {
      const path = pathOf(folder, name);
      const held = heldByPath.get(path) ?? { bytes: new Uint8Array(0), sizeBytes: 0, open: false };
      if (held.open) throw new DOMException('The file is open.', 'NoModificationAllowedError');
      held.open = true;
      heldByPath.set(path, held);
      return writer(held);
    },
    async blob(folder, name) {
      const held = heldByPath.get(pathOf(folder, name));
      return held === undefined ? null : new Blob([held.bytes.subarray(0, held.sizeBytes)]);
    },
    async remove(folder, name) {
      heldByPath.delete(pathOf(folder, name));
    },
    freeBytes: async () => (quotaBytes === undefined ? null : quotaBytes - usedBytes()),
  };
}

/** Locks among all who were given this object. */
export function createMemoryLocks(): Locks {
  const tailByName = new Map<string, Promise<void>>();
  const enqueue = <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const done = (tailByName.get(name) ?? Promise.resolve()).then(run);
    const tail = done.then(
      () => {},
      () => {},
    );
    tailByName.set(name, tail);
    void tail.then(() => {
      if (tailByName.get(name) === tail) tailByName.delete(name);
    });
    return done;
  };
  return {
    hold: <T>(name: string, signal: AbortSignal, run: () => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        const leave = (): void => reject(new DOMException('No longer wanted.', 'AbortError'));
        if (signal.aborted) return leave();
        signal.addEventListener('abort', leave);
        void enqueue(name, async () => {
          signal.removeEventListener('abort', leave);
          if (!signal.aborted) await run().then(resolve, reject);
        });
      }),
    async holdIfFree(name, run) {
      if (!tailByName.has(name)) await enqueue(name, run);
    },
  };
}

/** Opens the way between tabs anew for each tab. */
export function createMemoryTabs(): () => Tabs {
  const listeners = new Set<(message: unknown) => void>();
  return () => {
    const own = new Set<(message: unknown) => void>();
    return {
      post(message: TabMessage) {
        for (const listener of listeners) if (!own.has(listener)) listener(message);
      },
      on(listener) {
        own.add(listener);
        listeners.add(listener);
      },
    };
  };
}
