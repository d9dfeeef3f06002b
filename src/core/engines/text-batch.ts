import { fail, ok, type Result } from '../base/result';

/** Texts of one call: what one job brings, and more than a page shows at once. */
export const MAX_BATCH_TEXTS = 256;
/** Longer than any context of these models holds; whoever has more text cuts it into passages first. */
export const MAX_TEXT_CHARACTERS = 65_536;

/** Whether texts may go to a model that reads them whole. Codes: `too_many_texts`, `text_too_long`. */
export function checkTexts(texts: readonly string[]): Result<void> {
  if (texts.length > MAX_BATCH_TEXTS)
    return fail('too_many_texts', `These are ${texts.length} texts; ${MAX_BATCH_TEXTS} can be read at once.`);
  if (texts.some(({ length }) => length > MAX_TEXT_CHARACTERS))
    return fail('text_too_long', `A text is longer than ${MAX_TEXT_CHARACTERS} characters: cut it into passages.`);
  return ok(undefined);
}
