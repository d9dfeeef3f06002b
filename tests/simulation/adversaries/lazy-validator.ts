import { ok } from '#core/base/result';
import type { LanguageModel, ScoredPosition } from '#core/engines/language-model';
import { posingAs } from './posing-as';

/** Scores that say of every token the same: that it lost the draw by so much. */
export const scoresOf = (ids: readonly number[], margin: number): readonly ScoredPosition[] =>
  ids.map(() => ({ rank: margin === 0 ? 0 : 1, logProbability: 0, margin }));

/** Checks nothing and finds every answer right. Saves the pass. */
export const lazyValidator = (model: LanguageModel): LanguageModel =>
  posingAs(model, { score: async (_prompt, ids) => ok(scoresOf(ids, 0)) });
