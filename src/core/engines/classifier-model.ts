import type { Result } from '../base/result';
import type { LoadProgress, ModelIdentity } from './language-model';

export interface LabelProbability {
  readonly label: string;
  /** 0 to 1. */
  readonly probability: number;
}

export interface Classification {
  /** Every label of the model, the likeliest first; of equals, in the order of `labels`. */
  readonly labels: readonly LabelProbability[];
  /** True when the text was longer than the model holds and its end was left out. */
  readonly truncated: boolean;
}

/**
 * A loaded model that puts texts under labels of its own. Calls run one after the other, in order. Codes:
 * `too_many_texts`, `text_too_long` (see text-batch), `cancelled`, `engine_failed`, `engine_timeout`; after `dispose`, or
 * after an unrecoverable fault of its worker, every call fails with `engine_gone`.
 */
export interface ClassifierModel {
  /** `contextTokens` is what one text may have, special tokens included; the rest is left out. */
  readonly identity: ModelIdentity;
  readonly labels: readonly string[];
  /** True: a text has one label, the probabilities add up to 1. False: each label holds or does not, by itself. */
  readonly exclusive: boolean;
  /** One classification per text, in their order. Cancelling takes effect between texts. */
  classify(texts: readonly string[], signal: AbortSignal): Promise<Result<readonly Classification[]>>;
  dispose(): Promise<void>;
}

/** Loads classifiers by id, with the codes of `LanguageModelLoader` and `wrong_task` for a model of another kind. */
export interface ClassifierModelLoader {
  load(modelId: string, onProgress?: (progress: LoadProgress) => void): Promise<Result<ClassifierModel>>;
}
