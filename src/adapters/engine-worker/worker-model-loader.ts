import type { Clock } from '#core/base/ports';
import type { LanguageModelLoader } from '#core/engines/language-model';
import { createLoadOnce } from './load-once';
import { BUILT_IN_FOLDERS, engineNotHere, findModelPlace, type ModelPlace, type SourceOf } from './model-places';
import type { ModelWorkerHandle, SpawnModelWorker } from './model-worker-handle';

export interface WorkerModelLoaderOptions {
  readonly clock: Clock;
  /** Absolute address below which built-in models lie, with a slash at the end; the page's origin when absent. */
  readonly baseUrl?: string;
  /** Finds every other model; without it there are only the built-in ones. */
  readonly sourceOf?: SourceOf;
  /** Ids that `sourceOf` finds now. */
  readonly stored?: () => readonly string[];
  /** How a worker of an engine is started; the Web Workers of this app when absent. */
  readonly spawn?: (engine: ModelPlace['engine']) => ModelWorkerHandle;
}

/** The code that starts a worker of an engine, fetched with the first model that needs it. */
const SPAWNERS: Readonly<Record<ModelPlace['engine'], () => Promise<SpawnModelWorker>>> = {
  transformers: () => import('./spawn-model-worker').then((part) => part.spawnModelWorker),
  'web-llm': () => import('./spawn-web-llm-worker').then((part) => () => part.spawnWebLlmWorker()),
};

/** Loads models into Web Workers, one worker per model. Nothing of a runtime is fetched before the first `load`. */
export function createWorkerModelLoader({
  clock,
  baseUrl,
  sourceOf,
  stored = () => [],
  spawn,
}: WorkerModelLoaderOptions): LanguageModelLoader {
  const load = createLoadOnce(async (modelId, onProgress, onGone) => {
    const place = await findModelPlace(modelId, baseUrl, sourceOf);
    if (!place.ok) return place;
    const { source, engine } = place.value;
    let parts;
    try {
      parts = await Promise.all([
        import('./supervised-model'),
        spawn === undefined ? SPAWNERS[engine]() : () => spawn(engine),
      ]);
    } catch {
      return engineNotHere();
    }
    const [{ loadSupervisedModel }, spawnWorker] = parts;
    return loadSupervisedModel({ modelId, source, clock, spawn: spawnWorker, onProgress, onGone });
  });

  return {
    get available() {
      return [...Object.keys(BUILT_IN_FOLDERS), ...stored()];
    },
    load,
  };
}
