import type { Failure } from '#core/base/result';
import type { EncoderWorker } from '#core/engines/encoder-protocol';
import type { ModelWorker } from '#core/engines/worker-protocol';

/** A running worker as its supervisor holds it; `W` is what can be asked of it. */
export interface WorkerHandle<W> {
  readonly worker: W;
  /** Settles when the worker itself broke: its script did not load, it threw outside a call, it was killed. */
  readonly broken: Promise<Failure>;
  terminate(): void;
}

export type ModelWorkerHandle = WorkerHandle<ModelWorker<MessagePort>>;
export type EncoderWorkerHandle = WorkerHandle<EncoderWorker<MessagePort>>;

export type SpawnModelWorker = () => ModelWorkerHandle;
export type SpawnEncoderWorker = () => EncoderWorkerHandle;
