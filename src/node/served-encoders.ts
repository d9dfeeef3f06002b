import { fail, ok, type Result } from '#core/base/result';
import type { EmbeddingModel, EmbeddingModelLoader } from '#core/engines/embedding-model';
import type { ServedTask } from '#core/engines/encoder-protocol';
import type { LoadProgress } from '#core/engines/language-model';
import type { RerankModel, RerankModelLoader } from '#core/engines/rerank-model';

export interface EncoderLoaders {
  readonly embedding: EmbeddingModelLoader;
  readonly rerank: RerankModelLoader;
}

export type EncoderModel = EmbeddingModel | RerankModel;

/** Ids of the models that the person chose, by what they do; null: none. */
export type EncoderChoice = Record<ServedTask, string | null>;

export interface ServedEncodersDeps {
  readonly load: () => Promise<EncoderLoaders>;
  /** Held by the node; changed here only when the next model is loaded and computes. */
  readonly chosen: EncoderChoice;
  /** What is loaded, for the card; held by the node. */
  readonly loaded: Map<ServedTask, EncoderModel>;
  readonly onProgress: (progress: LoadProgress | null) => void;
}

/** The models that a node serves beside the one that answers. */
export interface ServedEncoders {
  /** Codes: those of the loader, `no_encoder` (none was chosen), `unknown_model` (another one was). */
  embedder(id?: string): Promise<Result<EmbeddingModel>>;
  reranker(id?: string): Promise<Result<RerankModel>>;
  /** Loads the chosen one and lets it compute once: the first pass compiles, and nobody should wait for that. */
  warmUp(task: ServedTask): Promise<Result<void>>;
  /** Serves this model from now on, once it is loaded and has computed; null lets the one before go. */
  serve(task: ServedTask, id: string | null): Promise<Result<void>>;
}

const WARM_UP_TEXT = 'hello';

export function createServedEncoders({ load, chosen, loaded, onProgress }: ServedEncodersDeps): ServedEncoders {
  const { signal } = new AbortController();

  async function open<T extends ServedTask>(task: T, id: string) {
    let loaders: EncoderLoaders;
    try {
      loaders = await load();
    } catch {
      return fail('offline', 'The engine is not on this device yet, and there is no connection to load it.');
    }
    const isNew = loaded.get(task)?.identity.id !== id;
    const progress = isNew ? onProgress : undefined;
    const model =
      task === 'embed' ? await loaders.embedding.load(id, progress) : await loaders.rerank.load(id, progress);
    if (isNew) onProgress(null);
    return model as Result<T extends 'embed' ? EmbeddingModel : RerankModel>;
  }

  async function find<T extends ServedTask>(task: T, id: string | undefined) {
    const own = chosen[task];
    if (own === null) return fail('no_encoder', 'This device serves no model for that: choose one under Models.');
    if (id !== undefined && id !== own)
      return fail('unknown_model', `This device serves another model than ${id} for that.`);
    // One that is gone for good is loaded anew; one that is loaded is what this gives.
    const model = await open(task, own);
    if (model.ok && chosen[task] === own) loaded.set(task, model.value);
    return model;
  }

  /** Loads a model and computes once. */
  async function tryOut(task: ServedTask, id: string): Promise<Result<EncoderModel>> {
    const model = task === 'embed' ? await open('embed', id) : await open('rerank', id);
    if (!model.ok) return model;
    const computed =
      'embed' in model.value
        ? await model.value.embed([WARM_UP_TEXT], signal)
        : await model.value.rank(WARM_UP_TEXT, [WARM_UP_TEXT], signal);
    return computed.ok ? model : computed;
  }

  return {
    embedder: (id) => find('embed', id),
    reranker: (id) => find('rerank', id),
    async warmUp(task) {
      const id = chosen[task];
      if (id === null) return fail('no_encoder', 'This device serves no model for that: choose one under Models.');
      const tried = await tryOut(task, id);
      if (tried.ok && chosen[task] === id) loaded.set(task, tried.value);
      return tried.ok ? ok(undefined) : tried;
    },
    async serve(task, id) {
      const before = chosen[task];
      if (id === before) return ok(undefined);
      const tried = id === null ? null : await tryOut(task, id);
      if (tried !== null && !tried.ok) return tried;
      if (chosen[task] !== before) return fail('overtaken', 'Another choice was made meanwhile.');
      const old = loaded.get(task);
      chosen[task] = id;
      loaded.delete(task);
      if (tried !== null) loaded.set(task, tried.value);
      await old?.dispose();
      return ok(undefined);
    },
  };
}
