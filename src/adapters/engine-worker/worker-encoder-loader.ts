import type { Clock } from '#core/base/ports';
import { fail, type Result } from '#core/base/result';
import type { ClassifierModelLoader } from '#core/engines/classifier-model';
import type { EmbeddingModelLoader } from '#core/engines/embedding-model';
import type { RerankModelLoader } from '#core/engines/rerank-model';
import { createLoadOnce } from './load-once';
import { engineNotHere, findModelPlace, type SourceOf } from './model-places';
import type { SpawnEncoderWorker } from './model-worker-handle';
import type { SupervisedEncoderOptions } from './supervised-encoders';

export interface WorkerEncoderLoaderOptions {
  readonly clock: Clock;
  /** Finds a model by its id; none is built in. */
  readonly sourceOf: SourceOf;
  /** How a worker is started; the Web Worker of this app when absent. */
  readonly spawn?: SpawnEncoderWorker;
}

export interface WorkerEncoderLoader {
  readonly embedding: EmbeddingModelLoader;
  readonly rerank: RerankModelLoader;
  readonly classifier: ClassifierModelLoader;
}

type Supervised = typeof import('./supervised-encoders');

/** Loads encoders into Web Workers, one worker per model and task. Nothing of the runtime is fetched before the first `load`. */
export function createWorkerEncoderLoader({ clock, sourceOf, spawn }: WorkerEncoderLoaderOptions): WorkerEncoderLoader {
  const loading = <M>(start: (part: Supervised, options: SupervisedEncoderOptions) => Promise<Result<M>>) => ({
    load: createLoadOnce<M>(async (modelId, onProgress, onGone) => {
      const place = await findModelPlace(modelId, undefined, sourceOf);
      if (!place.ok) return place;
      const { source, engine } = place.value;
      if (engine !== 'transformers') return fail('wrong_task', `The model ${modelId} is not made for this.`);
      let parts;
      try {
        parts = await Promise.all([
          import('./supervised-encoders'),
          spawn ?? import('./spawn-model-worker').then((part) => part.spawnEncoderWorker),
        ]);
      } catch {
        return engineNotHere();
      }
      const [supervised, spawnWorker] = parts;
      return start(supervised, { modelId, source, clock, spawn: spawnWorker, onProgress, onGone });
    }),
  });
  return {
    embedding: loading((part, options) => part.loadSupervisedEmbedding(options)),
    rerank: loading((part, options) => part.loadSupervisedRerank(options)),
    classifier: loading((part, options) => part.loadSupervisedClassifier(options)),
  };
}
