import type { LanguageModel } from '#core/engines/language-model';
import { posingAs } from './posing-as';

/** Lets a smaller model of the same family write the answer, drawn as it should be. Saves the passes of the large one. */
export const smallerSibling = (claimed: LanguageModel, sibling: LanguageModel): LanguageModel =>
  posingAs(claimed, { generate: (request, onToken) => sibling.generate(request, onToken) });
