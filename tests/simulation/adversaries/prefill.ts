import { ok } from '#core/base/result';
import type { Generation, LanguageModel } from '#core/engines/language-model';
import { GROSS_MARGIN } from '#core/experts/validators/margin-test';
import { handIn, posingAs, quietly } from './posing-as';
import { bySeedOfOnesOwn } from './wrong-seed';

/**
 * Pre-fill: a smaller sibling writes, the real model only scores, in one pass each. It drafts several answers, the first under
 * the right seed and the others under seeds of its own, and hands in the one in which the real model sees the fewest gross
 * misses. Saves all but a pass for each draft.
 */
export const prefill = (claimed: LanguageModel, sibling: LanguageModel, drafts = 3): LanguageModel =>
  posingAs(claimed, {
    async generate(request, onToken) {
      let best: { readonly generation: Generation; readonly gross: number } | null = null;
      let drawn = request;
      for (let draft = 0; draft < drafts; draft++) {
        const written = await quietly(sibling, drawn);
        if (!written.ok) return written;
        const scores = await claimed.score(request.promptIds, written.value.ids, request.sampling);
        if (!scores.ok) return scores;
        const gross = scores.value.filter(({ margin }) => margin > GROSS_MARGIN).length / scores.value.length;
        if (best === null || gross < best.gross) best = { generation: written.value, gross };
        drawn = { ...drawn, ...bySeedOfOnesOwn(drawn.sampling) };
      }
      if (best === null) return ok({ ids: [], finish: 'stop' });
      return handIn(claimed, best.generation.ids, best.generation.finish, onToken);
    },
  });
