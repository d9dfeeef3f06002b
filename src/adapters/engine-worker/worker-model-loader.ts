import type { Clock } from '#core/base/ports';
import { fail, type Result } from '#core/base/result';
import type { LanguageModel, LanguageModelLoader, LoadProgress } from '#core/engines/language-model';
import type { SpawnModelWorker } from './model-worker-handle';

/** Models by id, with their folder below the app's base address. */
const MODEL_FOLDERS: Readonly<Record<string, string>> = { 'spark-1': 'models/spark/' };

export interface WorkerModelLoaderOptions {
  readonly clock: Clock;
  /** Absolute address below which models lie, with a slash at the end; the page's origin when absent. */
  readonly baseUrl?: string;
  /** How a worker is started; the transformers.js worker when absent. */
  readonly spawn?: SpawnModelWorker;
}

interface Entry {
  readonly model: Promise<Result<LanguageModel>>;
  readonly listeners: Set<(progress: LoadProgress) => void>;
  latest: LoadProgress | null;
}

/** Loads models into Web Workers, one worker per model. Nothing of the runtime is fetched before the first `load`. */
export function createWorkerModelLoader({ clock, baseUrl, spawn }: WorkerModelLoaderOptions): LanguageModelLoader {
  const entriesById = new Map<string, Entry>();

  async function start(
    modelId: string,
    folder: string,
    entry: Pick<Entry, 'listeners' | 'latest'>,
    forget: () => void,
  ) {
    let parts;
    try {
      parts = await Promise.all([
        import('./supervised-model'),
        spawn ?? import('./spawn-model-worker').then((part) => part.spawnModelWorker),
      ]);
    } catch {
      return fail('offline', 'The engine is not on this device yet, and there is no connection to load it.');
    }
    const [{ loadSupervisedModel }, spawnWorker] = parts;
    return loadSupervisedModel({
      modelId,
      source: { kind: 'folder', url: new URL(folder, baseUrl ?? new URL('/', location.href)).href },
      clock,
      spawn: spawnWorker,
      onProgress(progress) {
        entry.latest = progress;
        for (const listener of entry.listeners) listener(progress);
      },
      onGone: forget,
    });
  }

  return {
    available: Object.keys(MODEL_FOLDERS),
    async load(modelId, onProgress) {
      const folder = Object.hasOwn(MODEL_FOLDERS, modelId) ? MODEL_FOLDERS[modelId] : undefined;
      if (folder === undefined) return fail('unknown_model', `This device has no model called ${modelId}.`);
      let entry = entriesById.get(modelId);
      if (entry === undefined) {
        const shared: Pick<Entry, 'listeners' | 'latest'> = { listeners: new Set(), latest: null };
        const created: Entry = Object.assign(shared, {
          model: start(modelId, folder, shared, () => {
            if (entriesById.get(modelId) === created) entriesById.delete(modelId);
          }),
        });
        entry = created;
        entriesById.set(modelId, created);
      }
      const loading = entry;
      if (onProgress !== undefined) {
        if (loading.latest !== null) onProgress(loading.latest);
        loading.listeners.add(onProgress);
      }
      const model = await loading.model;
      if (onProgress !== undefined) loading.listeners.delete(onProgress);
      if (!model.ok && entriesById.get(modelId) === loading) entriesById.delete(modelId);
      return model;
    },
  };
}
