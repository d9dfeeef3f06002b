import type { Failure } from '#core/base/result';
import type { ModelWorker } from '#core/engines/worker-protocol';

/** A running model worker as the supervisor holds it. */
export interface ModelWorkerHandle {
  readonly worker: ModelWorker<MessagePort>;
  /** Settles when the worker itself broke: its script did not load, it threw outside a call, it was killed. */
  readonly broken: Promise<Failure>;
  terminate(): void;
}

export type SpawnModelWorker = () => ModelWorkerHandle;
