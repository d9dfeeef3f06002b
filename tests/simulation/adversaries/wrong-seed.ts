import { concat, utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { LanguageModel } from '#core/engines/language-model';
import type { Sampling } from '#core/engines/sampling';
import { posingAs } from './posing-as';

/** The same draw under seeds of one's own; once more, and they are others again. */
export const bySeedOfOnesOwn = (
  sampling: Sampling | undefined,
): Pick<Parameters<LanguageModel['generate']>[0], 'sampling'> =>
  sampling === undefined
    ? {}
    : {
        sampling: {
          ...sampling,
          seeds: sampling.seeds.map(({ from, seed }) => ({
            from,
            seed: sha256(concat(utf8('a seed of my own'), seed)),
          })),
        },
      };

/**
 * The right model, drawn by a seed of its own choice: whoever may choose the seed chooses among answers. Saves nothing, but
 * steers what is said.
 */
export const wrongSeed = (claimed: LanguageModel): LanguageModel =>
  posingAs(claimed, {
    generate: (request, onToken) => claimed.generate({ ...request, ...bySeedOfOnesOwn(request.sampling) }, onToken),
  });
