import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { ClassifierModel } from '#core/engines/classifier-model';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import {
  ENCODER_TEXTS_PER_CALL,
  type EncoderLoaded,
  type EncoderTask,
  type EncoderWorker,
} from '#core/engines/encoder-protocol';
import type { LoadProgress } from '#core/engines/language-model';
import type { RerankModel } from '#core/engines/rerank-model';
import { checkTexts } from '#core/engines/text-batch';
import type { ModelSource } from '#core/engines/worker-protocol';
import type { SpawnEncoderWorker } from './model-worker-handle';
import { createQueue } from './one-by-one';
import { PASS_TIMEOUT_MS, patienceFor, superviseWorker, type Device } from './supervised-worker';

export interface SupervisedEncoderOptions {
  readonly modelId: string;
  readonly source: ModelSource;
  /** Where it runs first; `auto` when absent. */
  readonly device?: Device;
  readonly clock: Clock;
  readonly spawn: SpawnEncoderWorker;
  readonly onProgress: (progress: LoadProgress) => void;
  /** Called once when the model can no longer be used. */
  readonly onGone: () => void;
}

type Worker = EncoderWorker<MessagePort>;
type LoadedFor<K extends EncoderTask> = Extract<EncoderLoaded, { readonly task: K }>;

/** An encoder for one task in a worker of its own, under the rules of `superviseWorker`. */
async function loadEncoder<K extends EncoderTask>(options: SupervisedEncoderOptions, task: K) {
  const { modelId, source } = options;
  const supervised = await superviseWorker<Worker, LoadedFor<K>>({
    ...options,
    patience: patienceFor(source),
    load: async (worker, device, progress) => {
      const loaded = await worker.loadEncoder({ modelId, source, device, task }, progress);
      // What was asked for is what was loaded: a worker has one task.
      return loaded as Result<LoadedFor<K>>;
    },
  });
  if (!supervised.ok) return supervised;
  const engine = supervised.value;
  const inTurn = createQueue();

  /** All texts, a few per call, so that each call has a deadline of its own and the person may stop in between. */
  const inParts = async <T>(
    texts: readonly string[],
    signal: AbortSignal,
    run: (worker: Worker, part: readonly string[]) => Promise<Result<readonly T[]>>,
  ): Promise<Result<readonly T[]>> => {
    const taken = checkTexts(texts);
    if (!taken.ok) return taken;
    return inTurn(async () => {
      const results: T[] = [];
      // Without any text the worker is asked all the same: a model that is gone says so.
      for (let from = 0; from === 0 || from < texts.length; from += ENCODER_TEXTS_PER_CALL) {
        if (signal.aborted) return fail('cancelled', 'The work was stopped.');
        const part = texts.slice(from, from + ENCODER_TEXTS_PER_CALL);
        const done = await engine.call(PASS_TIMEOUT_MS, (worker) => run(worker, part));
        if (!done.ok) return done;
        results.push(...done.value);
      }
      return ok(results);
    });
  };
  return ok({ engine, inParts });
}

export async function loadSupervisedEmbedding(options: SupervisedEncoderOptions): Promise<Result<EmbeddingModel>> {
  const encoder = await loadEncoder(options, 'embed');
  if (!encoder.ok) return encoder;
  const { engine, inParts } = encoder.value;
  return ok<EmbeddingModel>({
    get identity() {
      return engine.loaded.identity;
    },
    dimensions: engine.loaded.dimensions,
    embed: (texts, signal) => inParts(texts, signal, (worker, part) => worker.embed(part)),
    async dispose() {
      engine.dispose();
    },
  });
}

export async function loadSupervisedRerank(options: SupervisedEncoderOptions): Promise<Result<RerankModel>> {
  const encoder = await loadEncoder(options, 'rerank');
  if (!encoder.ok) return encoder;
  const { engine, inParts } = encoder.value;
  return ok<RerankModel>({
    get identity() {
      return engine.loaded.identity;
    },
    async rank(query, passages, signal) {
      const asked = checkTexts([query]);
      return asked.ok ? inParts(passages, signal, (worker, part) => worker.rank(query, part)) : asked;
    },
    async dispose() {
      engine.dispose();
    },
  });
}

export async function loadSupervisedClassifier(options: SupervisedEncoderOptions): Promise<Result<ClassifierModel>> {
  const encoder = await loadEncoder(options, 'classify');
  if (!encoder.ok) return encoder;
  const { engine, inParts } = encoder.value;
  const { labels, exclusive } = engine.loaded;
  return ok<ClassifierModel>({
    get identity() {
      return engine.loaded.identity;
    },
    labels,
    exclusive,
    classify: (texts, signal) => inParts(texts, signal, (worker, part) => worker.classify(part)),
    async dispose() {
      engine.dispose();
    },
  });
}
