import type { LanguageModel } from '#core/engines/language-model';
import { posingAs } from './posing-as';

/** The right model, but always its likeliest token: no draw at all, so the same answer serves everyone who asks the same. */
export const ignoredSeed = (claimed: LanguageModel): LanguageModel =>
  posingAs(claimed, {
    generate: ({ sampling: _seed, ...request }, onToken) => claimed.generate(request, onToken),
  });
