import { unwrap } from '#core/base/result';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import { encoderRule, never, ROUNDING, sharedEncoderCases, type EncoderCase } from './encoder-rules';
import { expect, same } from './language-model-runs';

const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

/** What every embedding model promises; see `EmbeddingModel`. */
export const embeddingModelCases: readonly EncoderCase<EmbeddingModel>[] = [
  ...sharedEncoderCases<EmbeddingModel, { readonly vector: Float32Array; readonly truncated: boolean }>(
    (model) => (texts, signal) => model.embed(texts, signal),
    ({ vector }) => [...vector],
  ),

  encoderRule('a vector has as many dimensions as said, and length 1', async (model, { texts }) => {
    for (const { vector } of unwrap(await model.embed(texts, never))) {
      same(vector.length, model.dimensions, 'dimensions');
      expect(Math.abs(cosine(vector, vector) - 1) <= ROUNDING, `its length is ${Math.sqrt(cosine(vector, vector))}`);
    }
  }),

  encoderRule('different texts get different vectors', async (model, { texts }) => {
    const vectors = unwrap(await model.embed(texts, never)).map(({ vector }) => vector);
    for (let a = 0; a < vectors.length; a++)
      for (let b = 0; b < a; b++)
        expect(cosine(vectors[a]!, vectors[b]!) < 1 - ROUNDING, `texts ${b} and ${a} have one vector`);
  }),
];
