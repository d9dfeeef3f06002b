import { fail, type Failure, type Result } from '#core/base/result';

/** What lies where: contents by id, what an unfinished content has by the same id, and finished ones by their SHA-256. */
export type Folder = 'bytes' | 'journals' | 'entries';

/** A file open for its one writer. Every method may throw what the platform throws; see `failureOf`. */
export interface DiskFile {
  sizeBytes(): number;
  /** Fills `into` from `at` on and gives how many bytes there were. */
  read(into: Uint8Array<ArrayBuffer>, at: number): number;
  /** Writes all or throws. What is written but not flushed survives the end of this tab, not of the system. */
  write(bytes: Uint8Array<ArrayBuffer>, at: number): void;
  truncate(sizeBytes: number): void;
  flush(): void;
  close(): void;
}

/**
 * Where the store keeps its files. It knows nothing of their meaning, and does not lock: callers hold the lock of what
 * they write. Methods reject with what the platform throws.
 */
export interface Disk {
  names(folder: Folder): Promise<readonly string[]>;
  /** Opens for writing; an absent file is made. Fails while somebody else has it open for writing. */
  open(folder: Folder, name: string): Promise<DiskFile>;
  /** A handle on what the file is now, or null; nothing is read yet. */
  blob(folder: Folder, name: string): Promise<Blob | null>;
  /** Removing what is not there is no failure. */
  remove(folder: Folder, name: string): Promise<void>;
  /** What may still be written; null where nobody knows. */
  freeBytes(): Promise<number | null>;
}

const UNITS = ['bytes', 'kB', 'MB', 'GB'] as const;

/** A size for a person: `340 MB`, `1.2 GB`. */
export function readableBytes(bytes: number): string {
  let value = Math.max(0, Math.ceil(bytes));
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 10 ? Math.ceil(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export const noSpace = (missingBytes: number) =>
  fail('no_space', `There is not enough space on this device: ${readableBytes(missingBytes)} more are needed.`);

/**
 * What the platform threw while files were read or written, as a sentence; `stillToCome` is what had yet to be written.
 * Anything else that was thrown is a bug of ours and goes on.
 */
export function failureOf(error: unknown, stillToCome: number): { readonly ok: false; readonly error: Failure } {
  if (!(error instanceof DOMException)) throw error;
  const { name } = error;
  if (name === 'QuotaExceededError') return noSpace(stillToCome);
  if (name === 'NoModificationAllowedError')
    return fail('store_failed', 'Another tab of this app is using this file; close it and try again.');
  return fail(
    'store_failed',
    'The browser did not let this app keep files. A private window, a setting or a failing disk may be the reason.',
  );
}

/** Runs `run` and turns what the platform throws into a failure. */
export async function attempt<T>(run: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await run();
  } catch (error) {
    return failureOf(error, 0);
  }
}
