import { utf8 } from '#core/base/bytes';
import type { Clock } from '#core/base/ports';
import { err, fail, ok, type Failure, type Result } from '#core/base/result';
import { checkSampling } from '#core/engines/check-sampling';
import type {
  ChatMessage,
  GeneratedToken,
  Generation,
  LanguageModel,
  ScoredPosition,
} from '#core/engines/language-model';
import { modelHashOf } from '#core/engines/model-hash';
import { createTextDeltas } from '#core/engines/text-deltas';

export interface ScriptedModelOptions {
  readonly id?: string;
  /** Answers by question, compared without regard to case and to space around them. */
  readonly answers: Readonly<Record<string, string>>;
  /** What every other question gets. */
  readonly otherwise?: string;
  readonly contextTokens?: number;
  /** With a clock, a token comes `tokenDelayMs` after the one before; without, as fast as the thread allows. */
  readonly clock?: Clock;
  readonly tokenDelayMs?: number;
  readonly lies?: Lies;
}

/** How an engine may lie to test those who check it. */
export interface Lies {
  /** The token at this position of every answer (0 is the first) is replaced by another. */
  readonly forgedTokenAt?: number;
  /** Words of the text that are shown and returned as others, while the ids stay what they were. */
  readonly swappedWords?: Readonly<Record<string, string>>;
}

const END = 0;
const USER = 1;
const ANSWER = 2;
const FIRST_BYTE = 3;
const FIRST_WORD = FIRST_BYTE + 256;

/** How far below the right token's logit every other one stands. */
const WRONG_MARGIN = 12;
const DEFAULT_CONTEXT_TOKENS = 512;

/**
 * A language model that reads its answers from a table: plain code in place of a runtime, for tests, simulations and
 * faults. It is certain of every token, so nothing is left to draw: sampling changes nothing. Words are tokens; a word outside ASCII is spelled in bytes, so that a character may span tokens as it does
 * in real vocabularies. The prompt holds the question, so every call depends on its ids alone.
 */
export function createScriptedModel(options: ScriptedModelOptions): LanguageModel {
  const {
    id = 'scripted-1',
    answers,
    otherwise = 'I have no answer to that.',
    contextTokens = DEFAULT_CONTEXT_TOKENS,
  } = options;
  const answerByQuestion = new Map(Object.entries(answers).map(([question, answer]) => [keyOf(question), answer]));
  const wordIds = new Map<string, number>();
  const words: string[] = [];
  for (const text of [...answerByQuestion.values(), otherwise]) {
    for (const word of splitWords(text)) {
      if (!isAscii(word) || wordIds.has(word)) continue;
      wordIds.set(word, FIRST_WORD + words.length);
      words.push(word);
    }
  }
  const vocabularySize = FIRST_WORD + words.length;
  const content = { answers: JSON.stringify([...answerByQuestion]), otherwise };

  let gone: Failure | null = null;
  let lastGeneration: Promise<unknown> = Promise.resolve();
  const stopWaiting = new Set<() => void>();

  const encodeText = (text: string): number[] =>
    splitWords(text).flatMap((word) => wordIds.get(word) ?? [...utf8(word)].map((byte) => FIRST_BYTE + byte));

  const decodeIds = (ids: readonly number[]): string => {
    const bytes = ids.flatMap((token) => {
      if (token >= FIRST_WORD) return [...utf8(words[token - FIRST_WORD]!)];
      return token >= FIRST_BYTE ? [token - FIRST_BYTE] : [];
    });
    return new TextDecoder().decode(Uint8Array.from(bytes));
  };

  /** The ids of the whole right answer to the question that the prompt holds. */
  const answerTo = (promptIds: readonly number[]): number[] => {
    const question = keyOf(decodeIds(promptIds));
    return [...encodeText(answerByQuestion.get(question) ?? otherwise), END];
  };
  const rightToken = (answer: readonly number[], position: number): number => answer[position] ?? END;

  const refuse = (ids: readonly number[]): Failure | null => {
    if (gone !== null) return gone;
    const known = ids.every((token) => Number.isInteger(token) && token >= 0 && token < vocabularySize);
    return known ? null : { code: 'unknown_token', message: 'The text has tokens that this model does not have.' };
  };
  const tooLong = () =>
    fail('prompt_too_long', `The question is too long for this model: it holds ${contextTokens} tokens in all.`);

  /** One token's time: a macrotask at least, so that a cancellation can arrive. */
  const tokenTime = (): Promise<void> =>
    new Promise((resolve) => {
      const { clock, tokenDelayMs = 0 } = options;
      let cancel: () => void = () => {};
      const done = (): void => {
        cancel();
        stopWaiting.delete(done);
        resolve();
      };
      stopWaiting.add(done);
      if (clock !== undefined) cancel = clock.after(tokenDelayMs, done);
      else setImmediatePortable(done);
    });

  async function generateNow(
    { promptIds, prefixIds, maxTokens, sampling, signal }: Parameters<LanguageModel['generate']>[0],
    onToken: (token: GeneratedToken) => void,
  ): Promise<Result<Generation>> {
    const sampled = checkSampling(sampling);
    if (!sampled.ok) return sampled;
    const refused = refuse([...promptIds, ...prefixIds]);
    if (refused !== null) return err(refused);
    const limit = Math.min(maxTokens, contextTokens - promptIds.length);
    if (limit < 1 || prefixIds.length > limit) return tooLong();
    if (prefixIds.includes(END)) return ok({ ids: [], finish: 'stop' });
    const answer = answerTo(promptIds);
    const deltas = createTextDeltas(decodeIds(prefixIds));
    const whole = [...prefixIds];
    const ids: number[] = [];
    while (whole.length < limit) {
      if (signal.aborted) return ok({ ids, finish: 'cancelled' });
      signal.addEventListener('abort', abortWait);
      await tokenTime();
      signal.removeEventListener('abort', abortWait);
      if (gone !== null) return err(gone);
      if (signal.aborted) return ok({ ids, finish: 'cancelled' });
      const token = rightToken(answer, whole.length);
      whole.push(token);
      ids.push(token);
      const last = token === END || whole.length === limit;
      onToken({ id: token, text: deltas.next(decodeIds(whole), last) });
      if (token === END) return ok({ ids, finish: 'stop' });
    }
    return ok({ ids, finish: 'length' });
  }
  const abortWait = (): void => {
    for (const done of [...stopWaiting]) done();
  };

  const honest: LanguageModel = {
    identity: { id, name: 'Scripted', hash: modelHashOf(content), engine: 'scripted', contextTokens },
    endTokenId: END,
    async encodePrompt(messages: readonly ChatMessage[]) {
      if (gone !== null) return err(gone);
      const question = messages.findLast((message) => message.role === 'user')?.text ?? '';
      const ids = [USER, ...[...utf8(question)].map((byte) => FIRST_BYTE + byte), ANSWER];
      return ids.length < contextTokens ? ok(ids) : tooLong();
    },
    async decode(ids) {
      const refused = refuse(ids);
      return refused === null ? ok(decodeIds(ids)) : err(refused);
    },
    generate(request, onToken) {
      const { signal } = request;
      return new Promise((resolve, reject) => {
        const leaveQueue = (): void => resolve(ok({ ids: [], finish: 'cancelled' }));
        signal.addEventListener('abort', leaveQueue);
        lastGeneration = lastGeneration.then(() => {
          signal.removeEventListener('abort', leaveQueue);
          return generateNow(request, onToken).then(resolve, reject);
        });
      });
    },
    async score(promptIds, outputIds, sampling) {
      const sampled = checkSampling(sampling);
      if (!sampled.ok) return sampled;
      const refused = refuse([...promptIds, ...outputIds]);
      if (refused !== null) return err(refused);
      if (promptIds.length + outputIds.length > contextTokens) return tooLong();
      const answer = answerTo(promptIds);
      return ok(
        outputIds.map((token, position): ScoredPosition => {
          const right = token === rightToken(answer, position);
          return right
            ? { rank: 0, logProbability: 0, margin: 0 }
            : { rank: 1 + (token % 7), logProbability: -WRONG_MARGIN, margin: WRONG_MARGIN };
        }),
      );
    },
    async dispose() {
      gone = { code: 'engine_gone', message: 'The model is no longer loaded on this device.' };
      abortWait();
    },
  };
  return options.lies === undefined ? honest : withLies(honest, options.lies, vocabularySize);
}

/**
 * Makes any model lie in what it generates and decodes; it still encodes and scores honestly. `vocabularySize` bounds
 * the forged token.
 */
export function withLies(
  model: LanguageModel,
  { forgedTokenAt, swappedWords = {} }: Lies,
  vocabularySize: number,
): LanguageModel {
  const swap = (text: string): string =>
    Object.entries(swappedWords).reduce((changed, [from, to]) => changed.replaceAll(from, to), text);
  const forge = (id: number): number => {
    if (id === model.endTokenId) return id;
    return (
      [id + 1, id - 1, id - 2].find((other) => other >= 0 && other < vocabularySize && other !== model.endTokenId) ?? id
    );
  };
  return {
    get identity() {
      return model.identity;
    },
    endTokenId: model.endTokenId,
    encodePrompt: (messages) => model.encodePrompt(messages),
    score: (promptIds, outputIds, sampling) => model.score(promptIds, outputIds, sampling),
    dispose: () => model.dispose(),
    async decode(ids) {
      const text = await model.decode(ids);
      return text.ok ? ok(swap(text.value)) : text;
    },
    async generate(request, onToken) {
      const { prefixIds, maxTokens, signal } = request;
      const shown = await model.decode(prefixIds);
      if (!shown.ok) return shown;
      const deltas = createTextDeltas(swap(shown.value));
      const ids: number[] = [];
      let told: Promise<void> = Promise.resolve();
      const run = await model.generate(request, (token) => {
        const id = prefixIds.length + ids.length === forgedTokenAt ? forge(token.id) : token.id;
        ids.push(id);
        const whole = [...prefixIds, ...ids];
        const last = id === model.endTokenId || whole.length === maxTokens;
        told = told.then(async () => {
          const text = await model.decode(whole);
          if (text.ok && !signal.aborted) onToken({ id, text: deltas.next(swap(text.value), last) });
        });
      });
      await told;
      return run.ok ? ok({ ids, finish: run.value.finish }) : run;
    },
  };
}

const keyOf = (question: string): string => question.trim().toLowerCase();
const splitWords = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];
const isAscii = (word: string): boolean => /^[\x20-\x7e\s]*$/.test(word);

function setImmediatePortable(run: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    run();
  };
  port2.postMessage(null);
}
