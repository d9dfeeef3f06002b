import { utf8 } from '#core/base/bytes';
import { fail, ok } from '#core/base/result';
import type { ChatMessage, LanguageModel, ModelIdentity, ScoredPosition } from '#core/engines/language-model';

const END = 256;
const USER = 257;
const ASSISTANT = 258;

export interface TurnModelOptions {
  readonly identity?: Partial<ModelIdentity>;
  /** What it generates for a conversation, given as text with one turn per line. */
  readonly says?: (conversation: string) => string;
  /** Natural logarithm of the probability of a whole answer. */
  readonly logProbability?: (conversation: string, answer: string) => number;
  /** Whether a prompt shows the turns before the last one; otherwise it holds the last question alone. */
  readonly showsTurns?: boolean;
  /** Asked for a form: held to it, or `unsupported_shape`. */
  readonly shapes?: boolean;
}

/** A language model over bytes whose prompts show every turn, as chat templates do, and whose opinions a test writes. */
export function createTurnModel({
  identity,
  says = () => '',
  logProbability = () => -1,
  showsTurns = true,
  shapes = false,
}: TurnModelOptions = {}): LanguageModel & { readonly prompts: readonly string[] } {
  const prompts: string[] = [];
  const decodeIds = (ids: readonly number[]): string =>
    new TextDecoder().decode(Uint8Array.from(ids.filter((id) => id < END)));
  const conversationOf = (promptIds: readonly number[]): string => {
    const turns: number[][] = [];
    for (const id of promptIds) {
      if (id === USER || id === ASSISTANT) turns.push([]);
      else if (id !== END) turns.at(-1)?.push(id);
    }
    return turns.map(decodeIds).join('\n').trimEnd();
  };
  const model: LanguageModel = {
    identity: {
      id: 'turns-1',
      name: 'Turns',
      hash: 'a'.repeat(64),
      engine: 'turns',
      contextTokens: 100_000,
      ...identity,
    },
    endTokenId: END,
    async encodePrompt(messages: readonly ChatMessage[]) {
      const shown = showsTurns ? messages : messages.slice(-1);
      const ids = shown.flatMap(({ role, text }) => [role === 'user' ? USER : ASSISTANT, ...utf8(text), END]);
      return ids.length < model.identity.contextTokens
        ? ok([...ids, ASSISTANT])
        : fail('prompt_too_long', 'The question is too long for this model.');
    },
    async decode(ids) {
      return ok(decodeIds(ids));
    },
    async generate({ promptIds, prefixIds, maxTokens, shape, signal }, onToken) {
      if (shape !== undefined && !shapes) return fail('unsupported_shape', 'This model cannot hold to a form.');
      const conversation = conversationOf(promptIds);
      prompts.push(conversation);
      const whole = [...utf8(says(conversation)), END];
      const ids: number[] = [];
      for (const id of whole.slice(prefixIds.length, maxTokens)) {
        if (signal.aborted) return ok({ ids, finish: 'cancelled' });
        ids.push(id);
        onToken({ id, text: id < 128 ? String.fromCharCode(id) : '' });
      }
      return ok({ ids, finish: ids.at(-1) === END ? 'stop' : 'length' });
    },
    async score(promptIds, outputIds) {
      const answer = decodeIds(outputIds);
      return ok(
        outputIds.map((_, position): ScoredPosition => ({
          rank: 0,
          logProbability: position === 0 ? logProbability(conversationOf(promptIds), answer) : 0,
          margin: 0,
        })),
      );
    },
    async dispose() {},
  };
  return Object.assign(model, { prompts });
}
