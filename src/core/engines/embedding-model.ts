import type { Result } from '../base/result';
import type { LoadProgress, ModelIdentity } from './language-model';

/** What became of one text. */
export interface Embedding {
  /** `dimensions` numbers of Euclidean length 1, so that the dot product of two is their cosine. */
  readonly vector: Float32Array;
  /** True when the text was longer than the model holds and its end was left out. */
  readonly truncated: boolean;
}

/**
 * A loaded model that turns texts into vectors. Calls run one after the other, in order. The same text gives the same
 * vector on the same backend, whatever other texts come with it, within rounding. Codes: `too_many_texts`,
 * `text_too_long` (see text-batch), `cancelled`, `engine_failed`, `engine_timeout`; after `dispose`, or after an
 * unrecoverable fault of its worker, every call fails with `engine_gone`.
 */
export interface EmbeddingModel {
  /** `contextTokens` is what one text may have, special tokens included; the rest is left out. */
  readonly identity: ModelIdentity;
  readonly dimensions: number;
  /** One embedding per text, in their order. Cancelling takes effect between texts. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Result<readonly Embedding[]>>;
  dispose(): Promise<void>;
}

/** Loads embedding models by id, with the codes of `LanguageModelLoader` and `wrong_task` for a model of another kind. */
export interface EmbeddingModelLoader {
  load(modelId: string, onProgress?: (progress: LoadProgress) => void): Promise<Result<EmbeddingModel>>;
}
