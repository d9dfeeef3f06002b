import type { LanguageModel } from '#core/engines/language-model';
import { handIn, posingAs, quietly } from './posing-as';

/**
 * `stop`: puts the end token where it leaves off and says that the model ended there. `stop_without_end`: says so without the
 * token. `length`: says that it was not allowed more.
 */
export type Excuse = 'stop' | 'stop_without_end' | 'length';

/** The right answer's beginning only: this share of the tokens that are allowed. Saves the rest. */
export const cutOff = (claimed: LanguageModel, share: number, excuse: Excuse): LanguageModel =>
  posingAs(claimed, {
    async generate(request, onToken) {
      const most = Math.max(1, Math.floor(share * request.maxTokens));
      const begun = await quietly(claimed, { ...request, maxTokens: request.prefixIds.length + most });
      if (!begun.ok) return begun;
      const { ids } = begun.value;
      // What ended earlier by itself needs no excuse.
      if (ids.at(-1) === claimed.endTokenId) return handIn(claimed, ids, 'stop', onToken);
      return excuse === 'stop'
        ? handIn(claimed, [...ids.slice(0, -1), claimed.endTokenId], 'stop', onToken)
        : handIn(claimed, ids, excuse === 'length' ? 'length' : 'stop', onToken);
    },
  });
