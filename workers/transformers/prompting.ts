import { fail, ok, type Result } from '#core/base/result';
import type { ChatMessage } from '#core/engines/language-model';
import { renderPrompt, type ModelCard } from './model-card';

/** What turning a conversation into a prompt needs of a tokenizer. */
export interface PromptTokenizer {
  /** Ids of text, the tokens that are written out in it included; `addSpecialTokens` puts the model's own around it. */
  encode(text: string, addSpecialTokens: boolean): readonly number[];
  /** Tokens that are found in text before anything else is. */
  readonly addedTokens: readonly AddedToken[];
  /** Its chat template; null where it has none. */
  readonly chatTemplate: string | null;
  /** A template's text for a conversation, up to where the answer begins. Throws where the template refuses it. */
  render(
    template: string,
    messages: readonly { readonly role: string; readonly content: string }[],
    variables: Readonly<Record<string, unknown>>,
  ): string;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** How this model's prompts are made of a conversation. */
export type PromptStyle =
  /** By its own card: see model-card. */
  | { readonly kind: 'card'; readonly card: ModelCard }
  /** By a chat template: its own file's text, else the tokenizer's. */
  | { readonly kind: 'tokenizer'; readonly template: string | null }
  /** A model that only continues text: what was said, a line each. */
  | { readonly kind: 'none' };

/** More text than this fits into no context here, and its tokens are not worth counting. */
const MAX_PROMPT_CHARACTERS = 1_048_576;

/** Templates may write the date; the same text must give the same ids on every day. This one is the default of Llama's. */
const FIXED_DATE = '26 Jul 2024';

/**
 * The prompt's ids. What a person wrote is text in it, never a special token, whatever it says. Codes: `prompt_too_long`,
 * `prompt_refused` (the template does not take such a conversation, or the text cannot be kept apart from its marks).
 */
export function encodeConversation(
  tokenizer: PromptTokenizer,
  style: PromptStyle,
  messages: readonly ChatMessage[],
): Result<readonly number[]> {
  if (style.kind === 'card') return ok(tokenizer.encode(renderPrompt(style.card, messages), false));
  if (messages.reduce((sum, { text }) => sum + text.length, 0) > MAX_PROMPT_CHARACTERS)
    return fail('prompt_too_long', `The question is too long: it has more than ${MAX_PROMPT_CHARACTERS} characters.`);
  const template = style.kind === 'tokenizer' ? (style.template ?? tokenizer.chatTemplate) : null;
  if (style.kind === 'tokenizer' && template === null)
    return fail('prompt_refused', 'The model has no template for conversations.');
  const guarded = guardedTokens(tokenizer, template ?? '');
  const encode = (texts: readonly string[]): readonly number[] =>
    template === null
      ? tokenizer.encode(texts.join('\n'), true)
      : tokenizer.encode(
          tokenizer.render(
            template.replace(/\bstrftime_now\s*\([^()]*\)/g, `'${FIXED_DATE}'`),
            messages.map(({ role }, index) => ({ role, content: texts[index]! })),
            // Thinking aloud would fill a short answer; templates that know no such thing ignore it.
            { enable_thinking: false, date_string: FIXED_DATE },
          ),
          false,
        );
  let ids: readonly number[];
  let plain: readonly number[];
  try {
    ids = encode(messages.map(({ text }) => neutralised(text, guarded)));
    plain = encode(messages.map(({ text }) => (text.trim() === '' ? '' : 'x')));
  } catch {
    return fail('prompt_refused', "The model's template does not take this conversation.");
  }
  // Whatever a normaliser or a place where texts meet may make of it: no text adds a mark to those of the template.
  const marks = new Set(guarded.map(({ id }) => id));
  const marksIn = (of: readonly number[]): string => of.filter((id) => marks.has(id)).join();
  if (marksIn(ids) !== marksIn(plain))
    return fail('prompt_refused', "The text cannot be told apart from the marks of the model's own template.");
  return ok(ids);
}

/**
 * The tokens that nobody may write: the special ones, and those that the template gives a meaning. Other added tokens are
 * ordinary pieces of text, runs of spaces for instance.
 */
export const guardedTokens = ({ addedTokens }: PromptTokenizer, template: string): readonly AddedToken[] =>
  addedTokens.filter(({ content, special }) => content.trim() !== '' && (special || template.includes(content)));

/** The text with a space inside everything that would be read as one of the tokens: a person still sees what was meant. */
export function neutralised(text: string, tokens: readonly AddedToken[]): string {
  let safe = text;
  for (const { content } of [...tokens].sort((a, b) => b.content.length - a.content.length)) {
    const [first = ''] = content;
    const pattern = new RegExp(content.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'), 'gi');
    safe = safe.replace(pattern, (found) =>
      found.length === first.length ? ' ' : `${found.slice(0, first.length)} ${found.slice(first.length)}`,
    );
  }
  return safe;
}

/** Every id that ends an answer, once: those of the generation settings in their order, then the tokenizer's. */
export function endTokensOf(
  configured: number | readonly number[] | null | undefined,
  ofTokenizer: number | undefined,
): readonly number[] {
  const listed = configured === null || configured === undefined ? [] : [configured].flat();
  return [...new Set([...listed, ...(ofTokenizer === undefined ? [] : [ofTokenizer])])];
}
