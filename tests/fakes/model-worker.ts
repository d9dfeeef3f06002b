import type { ModelWorkerHandle } from '#adapters/engine-worker/model-worker-handle';
import { ok, type Failure, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { GenerationEvent, WorkerLoaded, WorkerLoadRequest } from '#core/engines/worker-protocol';

export interface FakeModelWorker extends ModelWorkerHandle {
  readonly loads: readonly WorkerLoadRequest[];
  readonly terminated: boolean;
  /** Breaks the worker itself, as a crash of its thread does. */
  crash(why: string): void;
}

export interface FakeModelWorkerFaults {
  readonly load?: () => Promise<Result<WorkerLoaded>>;
  /** A call that rejects stands for a fault of the runtime, one that never settles for a hang. */
  readonly score?: LanguageModel['score'];
  /** No token comes after this many, and no end either. */
  readonly hangAfterTokens?: number;
  readonly engine?: string;
}

/** A model worker without a thread, over any language model. Dead once terminated: nothing settles any more. */
export function createFakeModelWorker(model: LanguageModel, faults: FakeModelWorkerFaults = {}): FakeModelWorker {
  const loads: WorkerLoadRequest[] = [];
  let terminated = false;
  let crash: (failure: Failure) => void = () => {};
  const broken = new Promise<Failure>((resolve) => (crash = resolve));
  const alive = <T>(call: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      call.then(
        (value) => terminated || resolve(value),
        (error: unknown) => terminated || reject(error as Error),
      );
    });
  return {
    broken,
    loads,
    get terminated() {
      return terminated;
    },
    crash: (why) => crash({ code: 'engine_failed', message: why }),
    terminate() {
      terminated = true;
    },
    worker: {
      async load(request, progress) {
        loads.push(request);
        if (faults.load !== undefined) return alive(faults.load());
        progress.postMessage({ loadedBytes: 1, totalBytes: 1 });
        // The page hears of it before the load ends: two turns of the event loop, one each way.
        for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
        const identity = { ...model.identity, engine: faults.engine ?? model.identity.engine };
        return ok({ identity, endTokenId: model.endTokenId });
      },
      encodePrompt: (messages) => alive(model.encodePrompt(messages)),
      decode: (ids) => alive(model.decode(ids)),
      score: (promptIds, outputIds, sampling) => alive((faults.score ?? model.score)(promptIds, outputIds, sampling)),
      async generate(request, port) {
        const controller = new AbortController();
        let told = 0;
        const tell = (event: GenerationEvent): void => {
          if (terminated || told > (faults.hangAfterTokens ?? Infinity)) return;
          port.postMessage(event);
        };
        port.onmessage = () => controller.abort();
        const result = await model.generate({ ...request, signal: controller.signal }, (token) => {
          told++;
          tell({ type: 'token', token });
        });
        if (result.ok) tell({ type: 'ended', finish: result.value.finish });
        else tell({ type: 'failed', code: result.error.code, message: result.error.message });
        port.onmessage = null;
      },
    },
  };
}
