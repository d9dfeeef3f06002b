import type { Result } from '../base/result';

/** A length of bytes that is hashed by itself, so that one flipped bit costs one piece. Also what peers will ask for. */
export const PIECE_BYTES = 1024 * 1024;

/** A file wanted by its content: from its own copy on disk, or from `url` piece by piece. */
export interface FileWish {
  /** Null: not pinned yet. The first download is then held against the server's own word and named by what it was. */
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
  readonly url: string;
  /**
   * SHA-256 of each piece in order, from whoever vouches for `sha256`. With them a damaged piece is refused when it
   * comes and fetched again alone; without them damage shows at the end and costs the whole file. A list that does not
   * fit the size of the file is not used.
   */
  readonly pieceHashes?: readonly string[];
}

export interface StoredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** True when somebody named this content by its hash, before it came or since; false while only its download did. */
  readonly pinned: boolean;
}

export interface FetchProgress {
  /** Bytes that came and count; all but the last piece of them are on disk. Less than before after a fresh start. */
  readonly storedBytes: number;
  /** Null while the server has not said. */
  readonly totalBytes: number | null;
}

/** A download that was paused or broke off, and goes on when the same wish is fetched again. */
export interface UnfinishedFile extends FetchProgress {
  readonly url: string;
  readonly sha256: string | null;
}

export interface StoreUsage {
  /** Unfinished downloads count too. */
  readonly usedBytes: number;
  /** What the browser would still give; null where it does not say. */
  readonly freeBytes: number | null;
}

/**
 * Files by the SHA-256 of their content, one copy of each on disk. What is returned by `open` and `read` was verified
 * when it was stored, piece by piece; what did not match was never kept. A broken download goes on where it stopped, in
 * this tab or a later one, and loses one piece at most when the tab dies; the same file wanted twice at once, in one tab
 * or in two, is fetched once and both are told of its progress. Nothing stored depends on the version of the app.
 *
 * Codes: `offline`, `server_refused` (its status is in the message), `hash_mismatch`, `too_large` (longer than announced
 * or than MAX_MODEL_BYTES), `no_space` (with how much is missing), `paused` (the signal aborted, or the file was deleted
 * or imported meanwhile; unless it was deleted, what came is kept), `not_stored`, `out_of_range`, `store_failed`.
 */
export interface ModelStore {
  /** Complete files; what is unfinished is in `unfinished`. */
  list(): Promise<Result<readonly StoredFile[]>>;
  unfinished(): Promise<Result<readonly UnfinishedFile[]>>;
  has(sha256: string): Promise<boolean>;
  /**
   * The address is absolute. The last progress before success is all of the file. After a signal that aborted, resolves
   * when what came is safe on disk. Asking for durable storage is the caller's.
   */
  fetch(
    wish: FileWish,
    onProgress: (progress: FetchProgress) => void,
    signal: AbortSignal,
  ): Promise<Result<StoredFile>>;
  /** Takes a file that the person has on this device. With `sha256` it must be that content. */
  import(file: Blob, sha256: string | null): Promise<Result<StoredFile>>;
  /** The whole file as a handle: nothing is read yet. Reading it fails once the file was deleted. */
  open(sha256: string): Promise<Result<Blob>>;
  /** Part of a file, for those who serve it on; at most PIECE_BYTES, and all of it inside the file. */
  read(sha256: string, fromByte: number, lengthBytes: number): Promise<Result<Uint8Array<ArrayBuffer>>>;
  /** SHA-256 of each piece, for a catalogue or a peer that wants them in its wish. */
  pieceHashes(sha256: string): Promise<Result<readonly string[]>>;
  /** Deletes the file, or what came of it so far; a download of it stops. Deleting what is not there is no failure. */
  delete(sha256: string): Promise<Result<void>>;
  /** Deletes the unfinished download from this address; if it runs, it stops. */
  forget(url: string): Promise<Result<void>>;
  usage(): Promise<StoreUsage>;
}
