import type { Generation, LanguageModel } from '#core/engines/language-model';
import { handIn, posingAs } from './posing-as';

/**
 * Hands in what another node answered to the same question, which was drawn under that node's seed for that node's job. Saves
 * everything: it needs no model at all.
 */
export const copiedAnswer = (
  claimed: LanguageModel,
  overheard: (promptIds: readonly number[]) => Promise<Generation>,
): LanguageModel =>
  posingAs(claimed, {
    async generate({ promptIds }, onToken) {
      const { ids, finish } = await overheard(promptIds);
      return handIn(claimed, ids, finish, onToken);
    },
  });
