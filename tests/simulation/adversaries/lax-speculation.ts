import type { LanguageModel } from '#core/engines/language-model';
import { handIn, posingAs, quietly } from './posing-as';

/** Tokens that the sibling writes before the real model looks at them in one pass. */
const BLOCK = 8;

/**
 * Speculative decoding, done laxly: a sibling writes ahead, the real model looks at each block in one pass and keeps every token
 * that misses by no more than `tolerated`; only where one misses by more it writes one itself. With 0 this is an honest and a
 * faster way to the right answer; with anything above it trades misses that the check forgives for passes.
 */
export const laxSpeculation = (claimed: LanguageModel, sibling: LanguageModel, tolerated: number): LanguageModel =>
  posingAs(claimed, {
    async generate(request, onToken) {
      const { promptIds, maxTokens, sampling } = request;
      const ids = [...request.prefixIds];
      const ended = (): boolean => ids.at(-1) === claimed.endTokenId;
      while (ids.length < maxTokens && !ended()) {
        const until = Math.min(maxTokens, ids.length + BLOCK);
        const ahead = await quietly(sibling, { ...request, prefixIds: ids, maxTokens: until });
        if (!ahead.ok) return ahead;
        const scores = await claimed.score(promptIds, [...ids, ...ahead.value.ids], sampling);
        if (!scores.ok) return scores;
        const missed = scores.value.slice(ids.length).findIndex(({ margin }) => margin > tolerated);
        ids.push(...(missed === -1 ? ahead.value.ids : ahead.value.ids.slice(0, missed)));
        if (missed === -1) continue;
        const right = await quietly(claimed, { ...request, prefixIds: ids, maxTokens: ids.length + 1 });
        if (!right.ok) return right;
        ids.push(...right.value.ids);
      }
      return handIn(claimed, ids.slice(request.prefixIds.length), ended() ? 'stop' : 'length', onToken);
    },
  });
