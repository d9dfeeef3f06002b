import type { Result } from '../base/result';
import type { LoadProgress, ModelIdentity } from './language-model';

/** How a passage stands to the query. */
export interface Relevance {
  /** 0 to 1, the larger the more relevant: the logistic function of the model's own number. Comparable under one query only. */
  readonly score: number;
  /** True when query and passage together were longer than the model holds and the end of the passage was left out. */
  readonly truncated: boolean;
}

/**
 * A loaded model that reads a query and a passage together. Calls run one after the other, in order. Codes:
 * `too_many_texts`, `text_too_long` (see text-batch), `query_too_long` (it leaves no room for a passage), `cancelled`,
 * `engine_failed`, `engine_timeout`; after `dispose`, or after an unrecoverable fault of its worker, `engine_gone`.
 */
export interface RerankModel {
  /** `contextTokens` is what query and passage may have together, special tokens included. */
  readonly identity: ModelIdentity;
  /** One relevance per passage, in their order. Cancelling takes effect between passages. */
  rank(query: string, passages: readonly string[], signal: AbortSignal): Promise<Result<readonly Relevance[]>>;
  dispose(): Promise<void>;
}

/** Loads reranking models by id, with the codes of `LanguageModelLoader` and `wrong_task` for a model of another kind. */
export interface RerankModelLoader {
  load(modelId: string, onProgress?: (progress: LoadProgress) => void): Promise<Result<RerankModel>>;
}
