import type { Result } from '#core/base/result';
import type { LoadProgress } from '#core/engines/language-model';

type OnProgress = (progress: LoadProgress) => void;

interface Entry<M> {
  readonly model: Promise<Result<M>>;
  readonly listeners: Set<OnProgress>;
  latest: LoadProgress | null;
}

/**
 * Loading by id in which the same id gives the same instance: whoever asks while it loads joins in and hears how far it
 * is. `start` loads; it says through `onGone` when its model can no longer be used, and the next one to ask loads anew.
 */
export function createLoadOnce<M>(
  start: (modelId: string, onProgress: OnProgress, onGone: () => void) => Promise<Result<M>>,
): (modelId: string, onProgress?: OnProgress) => Promise<Result<M>> {
  const entriesById = new Map<string, Entry<M>>();

  function begin(modelId: string): Entry<M> {
    const state: Pick<Entry<M>, 'listeners' | 'latest'> = { listeners: new Set(), latest: null };
    const tell: OnProgress = (progress) => {
      state.latest = progress;
      for (const listener of state.listeners) listener(progress);
    };
    const forget = (): void => {
      if (entriesById.get(modelId) === entry) entriesById.delete(modelId);
    };
    const entry: Entry<M> = Object.assign(state, { model: start(modelId, tell, forget) });
    entriesById.set(modelId, entry);
    return entry;
  }

  return async (modelId, onProgress) => {
    const entry = entriesById.get(modelId) ?? begin(modelId);
    if (onProgress !== undefined) {
      if (entry.latest !== null) onProgress(entry.latest);
      entry.listeners.add(onProgress);
    }
    const model = await entry.model;
    if (onProgress !== undefined) entry.listeners.delete(onProgress);
    if (!model.ok && entriesById.get(modelId) === entry) entriesById.delete(modelId);
    return model;
  };
}
