import type { Result } from '../base/result';
import type { Classification } from './classifier-model';
import type { Embedding } from './embedding-model';
import type { ModelIdentity } from './language-model';
import type { Relevance } from './rerank-model';
import type { WorkerLoadRequest } from './worker-protocol';

/**
 * What the page and a Web Worker that runs one encoder say to each other, under the rules of `ModelWorker`: a returned
 * failure leaves the worker usable, a rejected call means that it must be replaced. A worker holds one model for one
 * task; the calls of another task fail with `wrong_task`.
 */
export interface EncoderWorker<Port> {
  loadEncoder(request: EncoderLoadRequest, progress: Port): Promise<Result<EncoderLoaded>>;
  /** At most `ENCODER_TEXTS_PER_CALL` texts, so that other messages get their turn. */
  embed(texts: readonly string[]): Promise<Result<readonly Embedding[]>>;
  /** At most `ENCODER_TEXTS_PER_CALL` passages. */
  rank(query: string, passages: readonly string[]): Promise<Result<readonly Relevance[]>>;
  /** At most `ENCODER_TEXTS_PER_CALL` texts. */
  classify(texts: readonly string[]): Promise<Result<readonly Classification[]>>;
}

/** One pass on a GPU; on WebAssembly they go one by one, and the deadline of a call is for this many. */
export const ENCODER_TEXTS_PER_CALL = 8;

export interface EncoderLoadRequest extends WorkerLoadRequest {
  readonly task: EncoderTask;
}

export type EncoderTask = 'embed' | 'rerank' | 'classify';

/** What a node serves beside the model that answers, each by a model of its own. */
export type ServedTask = Exclude<EncoderTask, 'classify'>;

export type EncoderLoaded = { readonly identity: ModelIdentity } & (
  | { readonly task: 'embed'; readonly dimensions: number }
  | { readonly task: 'rerank' }
  | { readonly task: 'classify'; readonly labels: readonly string[]; readonly exclusive: boolean }
);
