import type { Result } from '#core/base/result';
import type { FileWish, ModelStore, StoredFile } from '#core/engines/model-store';

/**
 * What the page and the Web Worker that keeps models say to each other: the store's own calls, with message ports in
 * place of what cannot cross. A rejected call means that the worker broke.
 */
export interface StoreWorker<Port> extends Omit<ModelStore, 'fetch'> {
  /** The first call: time and chance come from the page; see `servePace`. */
  begin(pace: Port): void;
  /** Progress is posted to the port; any message that arrives on it is the signal. */
  fetch(wish: FileWish, port: Port): Promise<Result<StoredFile>>;
}
