import type { LanguageModel } from '#core/engines/language-model';
import { handIn, posingAs, quietly } from './posing-as';

/** From a share of the tokens that are allowed up to another, 0 to 1. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** The right model, but on a part of the answer, which a sibling writes. Saves that part of the passes. */
export const partTime = (claimed: LanguageModel, sibling: LanguageModel, { from, to }: Part): LanguageModel =>
  posingAs(claimed, {
    async generate(request, onToken) {
      const { maxTokens } = request;
      const ids = [...request.prefixIds];
      const ended = (): boolean => ids.at(-1) === claimed.endTokenId;
      for (const [model, until] of [
        [claimed, Math.floor(from * maxTokens)],
        [sibling, Math.floor(to * maxTokens)],
        [claimed, maxTokens],
      ] as const) {
        if (until <= ids.length || ended()) continue;
        const written = await quietly(model, { ...request, prefixIds: ids, maxTokens: until });
        if (!written.ok) return written;
        ids.push(...written.value.ids);
      }
      return handIn(claimed, ids.slice(request.prefixIds.length), ended() ? 'stop' : 'length', onToken);
    },
  });

/** The right model for most answers, a sibling for those in which it chooses to lie. */
export const nowAndThen = (claimed: LanguageModel, sibling: LanguageModel, lies: () => boolean): LanguageModel =>
  posingAs(claimed, {
    generate: (request, onToken) => (lies() ? sibling : claimed).generate(request, onToken),
  });
