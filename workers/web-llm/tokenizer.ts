import { PreTrainedTokenizer } from '@huggingface/transformers';
import type { PromptTokenizer } from '../transformers/prompting';

export interface TextTokenizer {
  readonly prompt: PromptTokenizer;
  /** What the tokenizer's settings name as the end of a text. */
  readonly endTokenId: number | undefined;
  /** Without special tokens. Ids that stand for no text, the padding of a vocabulary for instance, decode to nothing. */
  decode(ids: readonly number[]): string;
}

/**
 * The tokenizer of transformers.js over the model's own files. web-llm has one of its own inside, but gives nobody access
 * to it; it needs it only to know, under a grammar, which token is what text. Throws when the files are none of a tokenizer.
 */
export function createTokenizer(tokenizerJson: object, tokenizerConfig: object): TextTokenizer {
  const tokenizer = new PreTrainedTokenizer(tokenizerJson, tokenizerConfig);
  const inner = tokenizer._tokenizer as unknown as {
    get_added_tokens_decoder(): Map<number, { id: number; content: string; special: boolean }>;
  };
  return {
    endTokenId: tokenizer.eos_token_id as number | undefined,
    // No clean-up of spaces: text that was given out must stay a prefix of what follows.
    decode: (ids) =>
      ids.length === 0
        ? ''
        : tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    prompt: {
      // What a vocabulary without an unknown token cannot say comes out as no id at all, and is left out.
      encode: (text, addSpecialTokens) =>
        tokenizer
          .encode(text, { add_special_tokens: addSpecialTokens })
          .filter((id: number | undefined) => id !== undefined),
      addedTokens: [...inner.get_added_tokens_decoder().values()],
      get chatTemplate() {
        // The library throws where there is none.
        return tokenizer.chat_template === null ? null : tokenizer.get_chat_template();
      },
      render: (template, messages, variables) =>
        tokenizer.apply_chat_template(
          messages.map((message) => ({ ...message })),
          { ...variables, chat_template: template, add_generation_prompt: true, tokenize: false },
        ),
    },
  };
}
