import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Generation, LanguageModel, LoadProgress } from '#core/engines/language-model';
import type { GenerationEvent, ModelSource, ModelWorker, WorkerLoaded } from '#core/engines/worker-protocol';
import type { SpawnModelWorker } from './model-worker-handle';
import { createQueue } from './one-by-one';
import { PASS_TIMEOUT_MS, patienceFor, superviseWorker, type Device } from './supervised-worker';

export const NEXT_TOKEN_TIMEOUT_MS = 20_000;
/** Tokenising takes milliseconds; the rest is the token being computed when the call arrives. */
export const TEXT_TIMEOUT_MS = 20_000;
/** How long a cancelled run may keep the worker before it is replaced. */
export const CANCEL_TIMEOUT_MS = 5_000;

export interface SupervisedModelOptions {
  readonly modelId: string;
  readonly source: ModelSource;
  /** Where it runs first; `auto` when absent. */
  readonly device?: Device;
  readonly clock: Clock;
  readonly spawn: SpawnModelWorker;
  readonly onProgress: (progress: LoadProgress) => void;
  /** Called once when the model can no longer be used. */
  readonly onGone: () => void;
}

/** A language model in a worker of its own, under the rules of `superviseWorker`. */
export async function loadSupervisedModel(options: SupervisedModelOptions): Promise<Result<LanguageModel>> {
  const { modelId, source } = options;
  const supervised = await superviseWorker<ModelWorker<MessagePort>, WorkerLoaded>({
    ...options,
    patience: patienceFor(source),
    load: (worker, device, progress) => worker.load({ modelId, source, device }, progress),
  });
  if (!supervised.ok) return supervised;
  const engine = supervised.value;
  const inTurn = createQueue();

  const generateNow: LanguageModel['generate'] = async ({ signal, ...request }, onToken) => {
    const ids: number[] = [];
    const cancelled = (): Result<Generation> => ok({ ids, finish: 'cancelled' });
    if (signal.aborted) return cancelled();
    const { port1, port2 } = new MessageChannel();
    let stop: () => void = () => {};
    const result = await engine.call<Generation>(PASS_TIMEOUT_MS, (worker, renew) => {
      if (signal.aborted) return Promise.resolve(cancelled());
      stop = () => {
        renew(CANCEL_TIMEOUT_MS);
        port1.postMessage('stop');
      };
      signal.addEventListener('abort', stop);
      return new Promise((resolve, reject) => {
        port1.onmessage = ({ data }: MessageEvent<GenerationEvent>) => {
          if (data.type === 'failed') return resolve(fail(data.code, data.message));
          // Nothing is shown after the person stopped it, even what was on its way.
          if (data.type === 'ended') return resolve(signal.aborted ? cancelled() : ok({ ids, finish: data.finish }));
          if (signal.aborted) return;
          renew(NEXT_TOKEN_TIMEOUT_MS);
          ids.push(data.token.id);
          onToken(data.token);
        };
        worker.generate(request, port2).catch(reject);
      });
    });
    signal.removeEventListener('abort', stop);
    port1.close();
    return signal.aborted && !result.ok && !engine.gone ? cancelled() : result;
  };

  return ok<LanguageModel>({
    get identity() {
      return engine.loaded.identity;
    },
    endTokenId: engine.loaded.endTokenId,
    encodePrompt: (messages) => engine.call(TEXT_TIMEOUT_MS, (worker) => worker.encodePrompt(messages)),
    decode: (ids) => engine.call(TEXT_TIMEOUT_MS, (worker) => worker.decode(ids)),
    score: (promptIds, outputIds, sampling) =>
      engine.call(PASS_TIMEOUT_MS, (worker) => worker.score(promptIds, outputIds, sampling)),
    generate(request, onToken) {
      const { signal } = request;
      return new Promise((resolve, reject) => {
        const leaveQueue = (): void => resolve(ok({ ids: [], finish: 'cancelled' }));
        signal.addEventListener('abort', leaveQueue);
        void inTurn(() => {
          signal.removeEventListener('abort', leaveQueue);
          return generateNow(request, onToken).then(resolve, reject);
        });
      });
    },
    async dispose() {
      engine.dispose();
    },
  });
}
