import type { LanguageModel } from '#core/engines/language-model';
import { posingAs } from './posing-as';

/** Runs the weights in fewer bits than it says, drawn as it should be. Saves memory, and time where memory sets the pace. */
export const quantised = (claimed: LanguageModel, inFewerBits: LanguageModel): LanguageModel =>
  posingAs(claimed, { generate: (request, onToken) => inFewerBits.generate(request, onToken) });
