import { unwrap } from '#core/base/result';
import type { Relevance, RerankModel } from '#core/engines/rerank-model';
import { MAX_TEXT_CHARACTERS } from '#core/engines/text-batch';
import { encoderRule, never, ROUNDING, sharedEncoderCases, type EncoderCase } from './encoder-rules';
import { expect, failsWith } from './language-model-runs';

const QUERY = 'what is a receipt';

/** What every reranking model promises; see `RerankModel`. The subject's texts are its passages. */
export const rerankModelCases: readonly EncoderCase<RerankModel>[] = [
  ...sharedEncoderCases<RerankModel, Relevance>(
    (model) => (passages, signal) => model.rank(QUERY, passages, signal),
    ({ score }) => [score],
  ),

  encoderRule('a score lies between 0 and 1 and depends on passage and query', async (model, { texts }) => {
    const scores = unwrap(await model.rank(QUERY, texts, never)).map(({ score }) => score);
    expect(
      scores.every((score) => score >= 0 && score <= 1),
      `a score is outside: ${scores.join(' ')}`,
    );
    expect(new Set(scores.map((score) => score.toFixed(4))).size === texts.length, 'two passages have one score');
    const others = unwrap(await model.rank(texts[0]!, texts, never));
    expect(
      others.some(({ score }, index) => Math.abs(score - scores[index]!) > ROUNDING),
      'another query changes nothing',
    );
  }),

  encoderRule('a query that leaves no room for a passage is refused', async (model, { texts, longText }) => {
    failsWith(await model.rank(longText, texts, never), 'query_too_long');
    failsWith(await model.rank('a'.repeat(MAX_TEXT_CHARACTERS + 1), texts, never), 'text_too_long');
    expect((await model.rank(QUERY, texts, never)).ok, 'the next query fails');
  }),
];
