import type { Result } from '../base/result';

/** A file wanted by its content: from its own copy on disk, or from `url` piece by piece. */
export interface FileWish {
  /** Null: not pinned yet. The first download is then held against the server's own word and named by what it was. */
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
  readonly url: string;
}

export interface StoredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** True when its content was known before it came; false when the first download named it. */
  readonly pinned: boolean;
}

export interface FetchProgress {
  /** Bytes of this file that are on disk and count. */
  readonly storedBytes: number;
  /** Null while the server has not said. */
  readonly totalBytes: number | null;
}

export interface StoreUsage {
  readonly usedBytes: number;
  /** What the browser would still give; null where it does not say. */
  readonly freeBytes: number | null;
}

/** A length of bytes that is hashed by itself, so that one flipped bit costs one piece. Also what peers will ask for. */
export const PIECE_BYTES = 1024 * 1024;

/**
 * Files by the SHA-256 of their content, one copy of each on disk. What is returned by `open` and `read` was verified
 * when it was stored, piece by piece; what did not match was never kept. A broken download goes on where it stopped, in
 * this tab or a later one; the same file wanted twice at once is fetched once. Codes: `offline`, `server_refused` (its
 * status is in the message), `hash_mismatch`, `too_large` (longer than announced or than MAX_MODEL_BYTES), `no_space`
 * (with how much is missing), `paused` (the signal aborted; what came is kept), `not_stored`, `store_failed`.
 */
export interface ModelStore {
  list(): Promise<Result<readonly StoredFile[]>>;
  has(sha256: string): Promise<boolean>;
  fetch(
    wish: FileWish,
    onProgress: (progress: FetchProgress) => void,
    signal: AbortSignal,
  ): Promise<Result<StoredFile>>;
  /** Takes a file that the person has on this device. With `sha256` it must be that content. */
  import(file: Blob, sha256: string | null): Promise<Result<StoredFile>>;
  /** The whole file as a handle: nothing is read yet. */
  open(sha256: string): Promise<Result<Blob>>;
  /** Part of a file, for those who serve it on; at most PIECE_BYTES. */
  read(sha256: string, fromByte: number, lengthBytes: number): Promise<Result<Uint8Array<ArrayBuffer>>>;
  /** Deletes the file, or what came of it so far. Deleting what is not there is no failure. */
  delete(sha256: string): Promise<Result<void>>;
  /** Deletes the unfinished download from this address. */
  forget(url: string): Promise<Result<void>>;
  usage(): Promise<StoreUsage>;
}
