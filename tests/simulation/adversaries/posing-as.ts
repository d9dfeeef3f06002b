import { ok, type Result } from '#core/base/result';
import type { GeneratedToken, Generation, LanguageModel } from '#core/engines/language-model';

export type Generate = LanguageModel['generate'];

/** A model that goes by the name, hash and engine of `claimed`, and answers or scores in a way of its own. */
export const posingAs = (
  claimed: LanguageModel,
  ways: Partial<Pick<LanguageModel, 'generate' | 'score'>>,
): LanguageModel => ({
  get identity() {
    return claimed.identity;
  },
  endTokenId: claimed.endTokenId,
  encodePrompt: (messages) => claimed.encodePrompt(messages),
  decode: (ids) => claimed.decode(ids),
  generate: (request, onToken) => (ways.generate ?? claimed.generate)(request, onToken),
  score: (promptIds, outputIds, sampling) => (ways.score ?? claimed.score)(promptIds, outputIds, sampling),
  dispose: () => claimed.dispose(),
});

/** Hands in ids that were put together in some other way than by generating them, as if they came one by one. */
export async function handIn(
  claimed: LanguageModel,
  ids: readonly number[],
  finish: Generation['finish'],
  onToken: (token: GeneratedToken) => void,
): Promise<Result<Generation>> {
  const text = await claimed.decode(ids);
  if (!text.ok) return text;
  for (const [at, id] of ids.entries()) onToken({ id, text: at === ids.length - 1 ? text.value : '' });
  return ok({ ids, finish });
}

/** A run whose tokens nobody watches. */
export const quietly = (model: LanguageModel, request: Parameters<Generate>[0]): Promise<Result<Generation>> =>
  model.generate(request, () => {});
