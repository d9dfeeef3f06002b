import * as v from 'valibot';
import { fail, ok, type Result } from '#core/base/result';
import type { DecisionRule } from '#core/engines/decision';
import type { ChatMessage } from '#core/engines/language-model';
import { parseJsonThrough } from '#core/wire/parse-json-through';

export const CARD_FILE = 'card.json';
const MAX_CARD_BYTES = 64 * 1024;
const QUESTION = '{question}';

const wholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What `card.json` says about the use of the model; its other entries are for readers. */
const cardSchema = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  contextTokens: v.pipe(wholeNumber, v.minValue(2)),
  endTokenId: wholeNumber,
  prompt: v.object({
    template: v.pipe(v.string(), v.includes(QUESTION)),
    lowercase: v.boolean(),
    removeCharacters: v.string(),
    /** A regular expression. */
    replaceWithSpace: v.string(),
    trim: v.boolean(),
    maxCharacters: wholeNumber,
  }),
  refusal: v.optional(
    v.object({ firstTokenId: wholeNumber, minProbability: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
  ),
});

type PromptRules = v.InferOutput<typeof cardSchema>['prompt'];

export interface ModelCard {
  readonly name: string;
  readonly contextTokens: number;
  readonly endTokenId: number;
  readonly prompt: PromptRules;
  readonly decision: DecisionRule;
}

/** The card from its file's text; null where the model has none. Code: `load_failed`. */
export function readModelCard(text: string | null): Result<ModelCard> {
  if (text === null) return fail('load_failed', `The model could not be loaded: it has no ${CARD_FILE}.`);
  const card = parseJsonThrough(cardSchema, text, MAX_CARD_BYTES);
  if (!card.ok) return fail('load_failed', `The model could not be loaded: ${CARD_FILE} is malformed.`);
  const { name, contextTokens, endTokenId, prompt, refusal } = card.value;
  const decision: DecisionRule =
    refusal === undefined
      ? {}
      : { refusal: { firstTokenId: refusal.firstTokenId, minProbability: refusal.minProbability } };
  return ok({ name, contextTokens, endTokenId, prompt, decision });
}

/**
 * The prompt's text under the card's rules. A model of this kind takes one question: the last message of the person. Its
 * text is reduced to what the model was trained on, which also keeps special tokens from being written into it.
 */
export function renderPrompt({ prompt }: Pick<ModelCard, 'prompt'>, messages: readonly ChatMessage[]): string {
  const question = messages.findLast((message) => message.role === 'user')?.text ?? '';
  return prompt.template.replace(QUESTION, () => reduce(prompt, question));
}

function reduce(
  { lowercase, removeCharacters, replaceWithSpace, trim, maxCharacters }: PromptRules,
  question: string,
): string {
  const removed = new Set(removeCharacters);
  let text = lowercase ? question.toLowerCase() : question;
  text = [...text].filter((character) => !removed.has(character)).join('');
  text = text.replace(new RegExp(replaceWithSpace, 'gu'), ' ');
  if (trim) text = trimSpaces(text);
  text = [...text].slice(0, maxCharacters).join('');
  return trim ? trimSpaces(text) : text;
}

/** Spaces only: the rule that the model was trained with knows no other blank at this point. */
const trimSpaces = (text: string): string => text.replace(/^ +| +$/g, '');
