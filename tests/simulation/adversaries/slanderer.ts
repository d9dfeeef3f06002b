import { ok } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { scoresOf } from './lazy-validator';
import { posingAs } from './posing-as';

const SLANDER_MARGIN = 9;

/** Finds every answer wrong, whatever it is. */
export const slanderer = (model: LanguageModel): LanguageModel =>
  posingAs(model, { score: async (_prompt, ids) => ok(scoresOf(ids, SLANDER_MARGIN)) });
