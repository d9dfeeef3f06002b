import type { Disk, DiskFile, Folder } from './disk';

/** The store's place in the origin private file system. A name for the layout, not for the app's version. */
const ROOT = 'models-v1';

async function folderHandle(folder: Folder): Promise<FileSystemDirectoryHandle> {
  // Asked for anew each time: handles outlive the site data that a person deletes.
  const root = await navigator.storage.getDirectory();
  const store = await root.getDirectoryHandle(ROOT, { create: true });
  return store.getDirectoryHandle(folder, { create: true });
}

/** The synchronous handle as the File System standard has it; the compiler's page library leaves it out. */
interface SyncHandle {
  getSize(): number;
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(sizeBytes: number): void;
  flush(): void;
  close(): void;
}
type OpenableHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncHandle> };

const isMissing = (error: unknown): boolean => error instanceof DOMException && error.name === 'NotFoundError';

function overHandle(handle: SyncHandle): DiskFile {
  return {
    sizeBytes: () => handle.getSize(),
    read: (into, at) => handle.read(into, { at }),
    write(bytes, at) {
      for (let written = 0; written < bytes.length;) {
        const count = handle.write(bytes.subarray(written), { at: at + written });
        if (count === 0) throw new DOMException('The disk took nothing.', 'QuotaExceededError');
        written += count;
      }
    },
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    flush: () => handle.flush(),
    close: () => handle.close(),
  };
}

/**
 * The disk of a browser: the origin private file system, through its synchronous handles, which only workers have. There
 * `move` is not in the standard, so nothing is ever renamed: a content keeps the name under which it began.
 */
export function createOpfsDisk(): Disk {
  return {
    async names(folder) {
      const names: string[] = [];
      for await (const name of (await folderHandle(folder)).keys()) names.push(name);
      return names;
    },
    async open(folder, name) {
      const handle = await (await folderHandle(folder)).getFileHandle(name, { create: true });
      return overHandle(await (handle as OpenableHandle).createSyncAccessHandle());
    },
    async blob(folder, name) {
      try {
        return await (await (await folderHandle(folder)).getFileHandle(name)).getFile();
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    async remove(folder, name) {
      await (await folderHandle(folder)).removeEntry(name).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
    async freeBytes() {
      const { quota, usage } = await navigator.storage.estimate();
      return quota === undefined ? null : Math.max(0, quota - (usage ?? 0));
    },
  };
}
