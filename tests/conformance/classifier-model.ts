import { unwrap } from '#core/base/result';
import type { Classification, ClassifierModel } from '#core/engines/classifier-model';
import { encoderRule, never, ROUNDING, sharedEncoderCases, type EncoderCase } from './encoder-rules';
import { expect, same } from './language-model-runs';

/** What every classifier promises; see `ClassifierModel`. */
export const classifierModelCases: readonly EncoderCase<ClassifierModel>[] = [
  ...sharedEncoderCases<ClassifierModel, Classification>(
    (model) => (texts, signal) => model.classify(texts, signal),
    // By name, so that a near-tie which turns around between two runs is no difference.
    ({ labels }) => [...labels].sort((a, b) => (a.label < b.label ? -1 : 1)).map(({ probability }) => probability),
  ),

  encoderRule('every label has a probability, the likeliest first', async (model, { texts }) => {
    for (const { labels } of unwrap(await model.classify(texts, never))) {
      same(labels.map(({ label }) => label).sort(), [...model.labels].sort(), 'labels');
      const probabilities = labels.map(({ probability }) => probability);
      expect(
        probabilities.every((probability, at) => probability >= 0 && probability <= (probabilities[at - 1] ?? 1)),
        `not in order: ${probabilities.join(' ')}`,
      );
      const sum = probabilities.reduce((total, probability) => total + probability, 0);
      expect(!model.exclusive || Math.abs(sum - 1) <= ROUNDING, `they add up to ${sum}`);
    }
  }),
];
