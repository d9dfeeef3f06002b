import type { Result } from '../base/result';
import type { Sampling } from './sampling';

/** What a validator must share with an executor for their numbers to be comparable. */
export interface ModelIdentity {
  /** Stable id, for instance `spark-1`. */
  readonly id: string;
  /** Name for people. */
  readonly name: string;
  /** SHA-256 in hex over the model's list of file hashes: same hash, same weights and tokenizer. */
  readonly hash: string;
  /** Which runtime and backend computes it, for instance `transformers/wasm`. */
  readonly engine: string;
  readonly contextTokens: number;
}

export interface ChatMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
}

/** One generated token. `text` is what the answer gained by it and may be empty inside a multi-byte character. */
export interface GeneratedToken {
  readonly id: number;
  readonly text: string;
}

export type FinishReason = 'stop' | 'length' | 'cancelled';

export interface Generation {
  /** Ids of the generated tokens, the end token included when the model chose it; the resumed prefix is not repeated. */
  readonly ids: readonly number[];
  readonly finish: FinishReason;
}

/** How one claimed token stands at its position under teacher forcing. */
export interface ScoredPosition {
  /** 0 means that the model would have chosen it too. */
  readonly rank: number;
  /** Natural logarithm of its probability at temperature 1. */
  readonly logProbability: number;
  /**
   * By how much the claimed token loses the draw: the chosen token's logit plus its scaled noise, minus the claimed
   * token's (without sampling, the logits alone). 0 for the chosen token, `FORBIDDEN_MARGIN` for one outside the draw.
   */
  readonly margin: number;
}

export interface GenerateRequest {
  readonly promptIds: readonly number[];
  /** Tokens already shown, to continue from; empty for a fresh answer. */
  readonly prefixIds: readonly number[];
  /** Limit of the whole answer, `prefixIds` and the end token included; the model's context may end it earlier. */
  readonly maxTokens: number;
  /** How tokens are drawn; absent: greedy. Positions count from the start of the answer, the prefix included. */
  readonly sampling?: Sampling;
  /** The shape that the text must have; an engine that cannot hold to it fails with `unsupported_shape`. */
  readonly shape?: OutputShape;
  /**
   * Nobody checks this answer, and the device may keep it under this name until it ends: when the engine breaks in the
   * middle, the answer goes on instead of failing, and no token comes twice. One name, one answer. Not with `shape`.
   */
  readonly keptAs?: string;
  readonly signal: AbortSignal;
}

/**
 * A form for the whole answer. What the engine's own mask forbids is not drawn; such an answer is checked by its outcome
 * only, never by re-scoring.
 */
export type OutputShape =
  | { readonly kind: 'json-schema'; readonly schema: string }
  /** EBNF as web-llm's xgrammar reads it. */
  | { readonly kind: 'grammar'; readonly grammar: string };

/**
 * A loaded language model. One generation runs at a time, others wait in order; the short calls
 * (`encodePrompt`, `decode`, `score`) do not wait for it, so that a node which is answering can still check. After
 * `dispose`, or after an unrecoverable fault of its worker, every call fails with `engine_gone`. Other codes:
 * `prompt_too_long`, `unknown_token` (an id outside the vocabulary), `engine_failed`, `engine_timeout`. Cancelling
 * through `signal` stops within one token and gives what was generated, with `cancelled`. Nothing is generated after
 * the end token: a prefix that ends with it is a finished answer.
 */
export interface LanguageModel {
  readonly identity: ModelIdentity;
  readonly endTokenId: number;
  /** The prompt's ids under the model's own template; the same text gives the same ids on every device. */
  encodePrompt(messages: readonly ChatMessage[]): Promise<Result<readonly number[]>>;
  /** The text of generated ids without special tokens: what a person reads. */
  decode(ids: readonly number[]): Promise<Result<string>>;
  generate(request: GenerateRequest, onToken: (token: GeneratedToken) => void): Promise<Result<Generation>>;
  /** Teacher forcing over prompt and claimed output under the same rule as `generate`; a position per output id. */
  score(
    promptIds: readonly number[],
    outputIds: readonly number[],
    sampling?: Sampling,
  ): Promise<Result<readonly ScoredPosition[]>>;
  dispose(): Promise<void>;
}

export interface LoadProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** Loads models by id. Loading the same model twice gives the same instance. Codes: `unknown_model`, `load_failed`, `hash_mismatch`, `offline`. */
export interface LanguageModelLoader {
  /** Ids that this device can load. */
  readonly available: readonly string[];
  load(modelId: string, onProgress?: (progress: LoadProgress) => void): Promise<Result<LanguageModel>>;
}
