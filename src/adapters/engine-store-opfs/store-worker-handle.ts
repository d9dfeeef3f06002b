import type { Failure } from '#core/base/result';
import type { StoreWorker } from '#workers/store/protocol';

/** The running store worker as the page holds it. */
export interface StoreWorkerHandle {
  readonly worker: StoreWorker<MessagePort>;
  /** Settles when the worker itself broke: its script did not load, or it threw outside a call. */
  readonly broken: Promise<Failure>;
  terminate(): void;
}

export type SpawnStoreWorker = () => StoreWorkerHandle;
