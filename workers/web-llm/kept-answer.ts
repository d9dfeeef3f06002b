import { ok, type Result } from '#core/base/result';
import { decide, type DecisionRule } from '#core/engines/decision';
import type { FinishReason } from '#core/engines/language-model';
import { createTextDeltas } from '#core/engines/text-deltas';
import type { WorkerGenerateRequest } from '#core/engines/worker-protocol';
import { withOneEnd, type GenerationRun } from '../transformers/generation';
import { emptyMessages, limitOf, type ChatRequestParts } from './chat-request';

/**
 * Tokens between two copies of the key-value cache on disk: what is younger is computed again, token by token. The prompt
 * itself is not copied, since it goes in again in few passes, and a copy would have to be on disk before the first token.
 */
export const CHECKPOINT_TOKENS = 256;

/** How a kept answer ended, or the ids after which it goes on without being kept. */
export type KeptRun = { readonly finish: FinishReason } | { readonly goesOnAfter: readonly number[] };

/**
 * An answer that nobody checks, by web-llm's crash-resume: the package writes each token, and the key-value cache now and
 * then, into the browser's private files, below `webllm-resume`, and takes the answer up again in another worker. Whoever
 * asks for it a second time under the same name gets what was not told before.
 *
 * The rule of all other answers draws its tokens too: it depends on the logits and the place of a token alone, and that
 * place is known again when web-llm has put back what it kept, each token of which passes our processor. So a kept answer is
 * the same as one that is not.
 *
 * It is not kept any longer, and goes on by its ids, when somebody else wants the cache, when nothing of it can be taken up,
 * or when what was taken up is not what was told. Journals are written behind the tokens, so that no token waits for the
 * disk; what the last of them lack is drawn again. What was kept is removed when the answer ends, what others left behind
 * when one begins. A run that throws leaves it, for the next worker.
 */
export async function generateKept(
  parts: ChatRequestParts,
  { keptAs, checkpointTokens }: { readonly keptAs: string; readonly checkpointTokens: number },
  request: WorkerGenerateRequest,
  { onToken, yieldToMessages }: Pick<GenerationRun, 'onToken' | 'yieldToMessages'>,
  signal: AbortSignal,
): Promise<Result<KeptRun>> {
  const { engine, modelId, template, processor, turns, cache, rules } = parts;
  const { promptIds, prefixIds, sampling } = request;
  const limited = limitOf(parts, request);
  if (!limited.ok) return limited;
  const limit = limited.value;

  const rule: DecisionRule = sampling === undefined ? rules.decision : { ...rules.decision, sampling };
  const answer: number[] = [];
  let told = prefixIds.length;
  const deltas = createTextDeltas(told === 0 ? '' : parts.decode(prefixIds));
  const tell = (): void => {
    for (; told < answer.length; told++) {
      const ids = answer.slice(0, told + 1);
      const last = ids[told] === rules.endTokenId || ids.length >= limit;
      onToken({ id: ids[told]!, text: deltas.next(parts.decode(ids), last) });
    }
  };
  const isAnother = (): boolean => prefixIds.some((id, at) => at < answer.length && answer[at] !== id);
  /** A file that cannot be removed now is removed before the next answer is kept. */
  const remove = (name: string): Promise<void> => engine.deleteResumableSession(name).catch(() => undefined);

  async function open(): Promise<AsyncIterable<unknown> | null> {
    // No private files in this browser, or none in this mode of it.
    const sessions = await engine.listResumableSessions().catch(() => null);
    if (sessions === null) return null;
    for (const { sessionId } of sessions) if (sessionId !== keptAs) await remove(sessionId);
    const kept = sessions.find(({ sessionId }) => sessionId === keptAs);
    if (kept?.resumable === true) {
      const run = await engine.resumeChatCompletion(keptAs, { continueGeneration: true, stream: true });
      return Symbol.asyncIterator in run ? run : null;
    }
    if (kept !== undefined || prefixIds.length > 0) return null;
    template.system_prefix_token_ids = [...promptIds];
    return engine.chatCompletion({
      model: modelId,
      messages: emptyMessages(),
      stream: true,
      max_tokens: limit,
      extra_body: {
        resumable: {
          enabled: true,
          sessionId: keptAs,
          checkpointPrompt: false,
          checkpointIntervalTokens: checkpointTokens,
          durabilityMode: 'relaxed',
        },
      },
    });
  }

  async function run(): Promise<KeptRun> {
    const chunks = await open();
    if (chunks === null) return { goesOnAfter: prefixIds };
    for await (const _ of chunks) {
      if (isAnother()) return { goesOnAfter: prefixIds };
      tell();
      await yieldToMessages();
      if (signal.aborted) return { finish: 'cancelled' };
      if (told > prefixIds.length && turns.wantedFrom('answer')) return { goesOnAfter: answer.slice(0, told) };
    }
    if (isAnother()) return { goesOnAfter: prefixIds };
    tell();
    if (signal.aborted) return { finish: 'cancelled' };
    return { finish: answer.at(-1) === rules.endTokenId ? 'stop' : 'length' };
  }

  await turns.take('answer', { signal });
  const interrupt = (): void => void engine.interruptGenerate();
  signal.addEventListener('abort', interrupt);
  try {
    cache.forget();
    processor.chooseBy((logits) => decide(rule, withOneEnd(logits, rules), answer.length).chosenId, {
      taken: (id) => void answer.push(id),
      begun: () => void (answer.length = 0),
    });
    const ended = await run();
    await remove(keptAs);
    return ok(ended);
  } finally {
    signal.removeEventListener('abort', interrupt);
    turns.leave();
  }
}
