import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type {
  GeneratedToken,
  GenerateRequest,
  Generation,
  LanguageModel,
  LoadProgress,
} from '#core/engines/language-model';
import type { GenerationEvent, ModelSource, ModelWorker, WorkerLoaded } from '#core/engines/worker-protocol';
import type { SpawnModelWorker } from './model-worker-handle';
import { createQueue } from './one-by-one';
import { PASS_TIMEOUT_MS, patienceFor, superviseWorker, type Device } from './supervised-worker';

export const NEXT_TOKEN_TIMEOUT_MS = 20_000;
/** Tokenising takes milliseconds; the rest is the token being computed when the call arrives. */
export const TEXT_TIMEOUT_MS = 20_000;
/** How long a cancelled run may keep the worker before it is replaced. */
export const CANCEL_TIMEOUT_MS = 5_000;
/** How often a kept answer goes on after a breakdown: once from what its engine kept, once more from its tokens alone. */
export const MAX_CONTINUATIONS = 2;
/** Failures after which another worker takes over; all others are the request's own. */
const BREAKDOWNS: ReadonlySet<string> = new Set(['engine_failed', 'engine_timeout']);

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

/**
 * A language model in a worker of its own, under the rules of `superviseWorker`. An answer whose worker breaks fails, unless
 * it may be kept (`keptAs`): then the next worker goes on after the last token that arrived.
 */
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

  /** One worker's part of an answer; its tokens are added to `ids`. */
  async function generateIn(
    { signal, ...request }: GenerateRequest,
    ids: number[],
    onToken: (token: GeneratedToken) => void,
  ): Promise<Result<Generation>> {
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
    // What a worker that was given up still says comes too late: its tokens are another's now.
    port1.onmessage = null;
    port1.close();
    return signal.aborted && !result.ok && !engine.gone ? cancelled() : result;
  }

  const generateNow: LanguageModel['generate'] = async ({ keptAs, ...request }, onToken) => {
    const ids: number[] = [];
    for (let breakdowns = 0; ; breakdowns++) {
      const mayGoOn = keptAs !== undefined && breakdowns < MAX_CONTINUATIONS;
      const part = { ...request, prefixIds: [...request.prefixIds, ...ids] };
      // What was kept may be what breaks the worker: the last one gets the tokens alone.
      const result = await generateIn(mayGoOn ? { ...part, keptAs } : part, ids, onToken);
      if (result.ok || !mayGoOn || engine.gone || !BREAKDOWNS.has(result.error.code)) return result;
    }
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
