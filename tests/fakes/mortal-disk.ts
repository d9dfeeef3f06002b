import type { Disk, DiskFile } from '#workers/store/disk';

/** What dies: the tab, of which everything written stays, or the system, of which only what was flushed is sure to. */
export type Death = 'tab' | 'system';

export interface MortalDisk {
  /** The disk as a tab sees it that dies in the midst of its change number `changes`; at once half of it is written. */
  until(changes: number, death: Death): Disk;
  /** Resolves when a tab died. */
  readonly died: Promise<void>;
  /** Changes one byte of a file, as a failing disk would. */
  rot(path: string, at: number): void;
  /** The bytes of a file, or undefined; to be changed in place. */
  fileAt(path: string): Uint8Array<ArrayBuffer> | undefined;
  put(path: string, bytes: Uint8Array<ArrayBuffer>): void;
  readonly paths: readonly string[];
}

interface Kept {
  live: Uint8Array<ArrayBuffer>;
  flushed: Uint8Array<ArrayBuffer>;
}

/** A disk that outlives those who use it, to see what each moment of dying leaves behind. */
export function createMortalDisk(): MortalDisk {
  const keptByPath = new Map<string, Kept>();
  let tellDeath: () => void = () => {};
  const died = new Promise<void>((resolve) => (tellDeath = resolve));

  const until = (changes: number, death: Death): Disk => {
    let left = changes;
    let dead = false;
    const open = new Set<string>();
    const alive = (): void => {
      if (dead) throw new DOMException('This tab is dead.', 'UnknownError');
    };
    /** Counts a change. The one at which the tab dies is done by half. */
    const change = (whole: () => void, half: () => void = () => {}): void => {
      alive();
      if (left-- > 0) return whole();
      half();
      dead = true;
      if (death === 'system') for (const kept of keptByPath.values()) kept.live = kept.flushed.slice();
      tellDeath();
      throw new DOMException('This tab died.', 'UnknownError');
    };
    const resized = (bytes: Uint8Array, sizeBytes: number): Uint8Array<ArrayBuffer> => {
      const next = new Uint8Array(sizeBytes);
      next.set(bytes.subarray(0, sizeBytes));
      return next;
    };
    const writer = (path: string, kept: Kept): DiskFile => {
      const write = (bytes: Uint8Array, at: number): void => {
        if (at + bytes.length > kept.live.length) kept.live = resized(kept.live, at + bytes.length);
        kept.live.set(bytes, at);
      };
      return {
        sizeBytes: () => kept.live.length,
        read(into, at) {
          alive();
          const found = kept.live.subarray(at, at + into.length);
          into.set(found);
          return found.length;
        },
        write: (bytes, at) =>
          change(
            () => write(bytes, at),
            () => write(bytes.subarray(0, bytes.length >> 1), at),
          ),
        truncate: (sizeBytes) => change(() => (kept.live = resized(kept.live, sizeBytes))),
        flush: () => change(() => (kept.flushed = kept.live.slice())),
        close: () => void open.delete(path),
      };
    };
    return {
      async names(folder) {
        alive();
        return [...keptByPath.keys()]
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1));
      },
      async open(folder, name) {
        const path = `${folder}/${name}`;
        if (open.has(path)) throw new DOMException('The file is open.', 'NoModificationAllowedError');
        if (!keptByPath.has(path))
          change(() => keptByPath.set(path, { live: new Uint8Array(0), flushed: new Uint8Array(0) }));
        open.add(path);
        return writer(path, keptByPath.get(path)!);
      },
      async blob(folder, name) {
        alive();
        const kept = keptByPath.get(`${folder}/${name}`);
        return kept === undefined ? null : new Blob([kept.live.slice()]);
      },
      async remove(folder, name) {
        change(() => keptByPath.delete(`${folder}/${name}`));
      },
      freeBytes: async () => null,
    };
  };

  return {
    until,
    died,
    rot(path, at) {
      keptByPath.get(path)!.live[at]! ^= 1;
    },
    fileAt: (path) => keptByPath.get(path)?.live,
    put: (path, bytes) => void keptByPath.set(path, { live: bytes, flushed: bytes.slice() }),
    get paths() {
      return [...keptByPath.keys()];
    },
  };
}
