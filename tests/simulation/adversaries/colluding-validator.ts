import { ok } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { scoresOf } from './lazy-validator';
import { posingAs } from './posing-as';

/** Nodes that tell each other what they answered, by a line that the mesh does not see. */
export interface Ring {
  /** A member of the ring as an expert: the others learn what it hands in. */
  expert(model: LanguageModel): LanguageModel;
  /** A member as a validator: everything of the ring's is right, everything else is wrong. */
  validator(model: LanguageModel): LanguageModel;
}

const SLANDER_MARGIN = 9;

export function createRing(): Ring {
  const ours = new Set<string>();
  return {
    expert: (model) =>
      posingAs(model, {
        async generate(request, onToken) {
          const run = await model.generate(request, onToken);
          if (run.ok) ours.add(JSON.stringify([...request.prefixIds, ...run.value.ids]));
          return run;
        },
      }),
    validator: (model) =>
      posingAs(model, {
        score: async (_prompt, ids) => ok(scoresOf(ids, ours.has(JSON.stringify(ids)) ? 0 : SLANDER_MARGIN)),
      }),
  };
}
