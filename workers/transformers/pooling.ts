import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import { parseJsonThrough } from '#core/wire/parse-json-through';

/** How the vectors of a text's tokens become one: their mean, their largest per dimension, that of the first or of the last. */
export type Pooling = 'mean' | 'max' | 'cls' | 'last';

/** Where sentence-transformers keeps a model's way of pooling. */
export const POOLING_FILE = '1_Pooling/config.json';
const MAX_POOLING_BYTES = 16 * 1024;

const flag = v.optional(v.boolean(), false);
const poolingSchema = v.object({
  pooling_mode_cls_token: flag,
  pooling_mode_mean_tokens: flag,
  pooling_mode_max_tokens: flag,
  pooling_mode_lasttoken: flag,
  pooling_mode_mean_sqrt_len_tokens: flag,
  pooling_mode_weightedmean_tokens: flag,
});

/**
 * The pooling that a model's own file names; without one the mean, as sentence-transformers does. Code: `load_failed` for
 * a file that is none and for a way of pooling that is not known here.
 */
export function readPooling(text: string | null): Result<Pooling> {
  if (text === null) return ok('mean');
  const config = parseJsonThrough(poolingSchema, text, MAX_POOLING_BYTES);
  if (!config.ok) return fail('load_failed', `The model could not be loaded: ${POOLING_FILE} is malformed.`);
  const named: readonly [boolean, Pooling | null][] = [
    [config.value.pooling_mode_mean_tokens, 'mean'],
    [config.value.pooling_mode_max_tokens, 'max'],
    [config.value.pooling_mode_cls_token, 'cls'],
    [config.value.pooling_mode_lasttoken, 'last'],
    [config.value.pooling_mode_mean_sqrt_len_tokens, null],
    [config.value.pooling_mode_weightedmean_tokens, null],
  ];
  const chosen = named.filter(([on]) => on).map(([, pooling]) => pooling);
  const [only = null] = chosen;
  // Several at once are joined into one longer vector by sentence-transformers: no known small model asks for that.
  if (chosen.length !== 1 || only === null)
    return fail('load_failed', 'The model could not be loaded: its way of pooling is not known to this engine.');
  return ok(only);
}

/** One text's vector from those of its first `count` tokens, `width` numbers each, one after the other. */
export function pool(vectors: Float32Array, count: number, width: number, pooling: Pooling): Float32Array {
  const vector = (index: number): Float32Array => vectors.subarray(index * width, (index + 1) * width);
  if (pooling === 'cls') return vector(0).slice();
  if (pooling === 'last') return vector(count - 1).slice();
  const pooled = new Float32Array(width).fill(pooling === 'max' ? -Infinity : 0);
  for (let token = 0; token < count; token++) {
    const one = vector(token);
    for (let at = 0; at < width; at++)
      pooled[at] = pooling === 'max' ? Math.max(pooled[at]!, one[at]!) : pooled[at]! + one[at]! / count;
  }
  return pooled;
}

/** Scaled to length 1; the zero vector stays what it is. */
export function normalised(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** The logistic function. */
export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** Probabilities that add up to 1. */
export function softmax(logits: readonly number[]): readonly number[] {
  const top = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
