import { bestShare } from '#core/experts/combining/best-share';
import { bestOf } from '#core/experts/objective/score-labels';
import type { WorkKind } from '#core/experts/work-kind';
import type { WorkSign } from '#core/experts/objective/work-sign';
import { preferenceOf, textJudge, type JudgeInput, type JudgeOutput } from './contract';

type Order = JudgeOutput['orders'][number];

const isBest = ({ better, scoresMilli }: Order): boolean =>
  scoresMilli === null || bestOf(scoresMilli) === (better === 'A' ? 0 : 1);

/**
 * How sure the judge was, both orders together: of a text, by what it got of the probability; of a tie, by how near that
 * came to a half. 0 where an order was not scored.
 */
function sureness({ preference, orders }: JudgeOutput): number {
  if (orders.some(({ scoresMilli }) => scoresMilli === null)) return 0;
  const [given, swapped] = orders.map(({ better, scoresMilli }, at) => {
    const share = bestShare(scoresMilli);
    return (better === 'A') === (at === 0) ? share : 1 - share;
  }) as [number, number];
  const first = (given + swapped) / 2;
  return preference === 'tie' ? 1 - Math.abs(2 * first - 1) : preference === 'first' ? first : 1 - first;
}

/** What the pipeline knows of `text.judge@1`: a closed answer, scored again by whoever holds the same model. */
export const judgeKind: WorkKind<JudgeInput, JudgeOutput, WorkSign> = {
  capability: textJudge,
  check: 'outcome',
  checkCapability: 'check.outcome@1',
  progress: () => ({ ids: [], text: '' }),
  contradiction({ model }, output) {
    if (model !== undefined && output.model.id !== model) return 'other_model';
    if (!output.orders.every(isBest)) return 'score_mismatch';
    return output.preference === preferenceOf(output.orders) ? null : 'preference_mismatch';
  },
  text: ({ preference }) => preference,
  model: ({ model }) => model,
  tokens: () => null,
  units: () => 1,
  combining: { rule: 'vote', choice: ({ preference }) => preference, confidence: sureness },
};
