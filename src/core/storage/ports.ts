import type { Result } from '../base/result';

/**
 * Small records by key. Values are plain data that survives structured clone (CryptoKey included where the adapter
 * says so). Every write is durable when its promise resolves: a crash at any later moment keeps it. A failed write
 * changes nothing. Failure codes: `storage_full`, `storage_unavailable`, `storage_outdated` (another tab upgraded the
 * store), `storage_damaged`, `not_storable` (the adapter cannot hold such a value).
 */
export interface KeyValueStore {
  get<T>(key: string): Promise<Result<T | undefined>>;
  set(key: string, value: unknown): Promise<Result<void>>;
  /** Writes only when the key holds nothing, as one step that no other writer can come between; true when it wrote. */
  setIfAbsent(key: string, value: unknown): Promise<Result<boolean>>;
  delete(key: string): Promise<Result<void>>;
  /** Keys with the prefix, in ascending order. */
  keys(prefix: string): Promise<Result<readonly string[]>>;
}

/** One stored entry of a log: its position from 0 and its exact bytes. */
export interface StoredEntry {
  readonly position: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * An append-only log of opaque entries. `append` takes the position that the entry must get and fails with
 * `log_conflict` when the log's length differs (another writer was faster); it resolves only when the write is strictly
 * committed, so that what is sent afterwards can never be lost. Entries are never changed.
 */
export interface EventLogStore {
  append(position: number, bytes: Uint8Array): Promise<Result<void>>;
  /** Several entries from `position` on, in order. A crash before it resolves may leave a beginning of them. */
  appendAll(position: number, entries: readonly Uint8Array[]): Promise<Result<void>>;
  length(): Promise<Result<number>>;
  /** Entries from `from` (inclusive), at most `limit`, in order. */
  read(from: number, limit: number): Promise<Result<readonly StoredEntry[]>>;
}

/** The storage of one node: closes as a whole, is deleted as a whole. */
export interface NodeStorage {
  readonly records: KeyValueStore;
  /** The one log that versions before 0.2 kept. Read to take its receipts over; nothing is appended to it any more. */
  readonly log: EventLogStore;
  /** The log with that name, empty at first: this node's own in each community, and those of others that it holds. */
  logNamed(name: string): EventLogStore;
  /** Names of logs that hold entries and begin with the prefix, ascending. */
  logNames(prefix: string): Promise<Result<readonly string[]>>;
  close(): void;
  /** Deletes everything this node ever stored. Irreversible. */
  destroy(): Promise<Result<void>>;
}
