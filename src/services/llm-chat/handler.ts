import type { Handler, JobContext } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import { fail, ok, type Result } from '#core/base/result';
import type { GeneratedToken, LanguageModel } from '#core/engines/language-model';
import { samplingOf } from '#core/engines/answer-sampling';
import type { Sampling } from '#core/engines/sampling';
import { MARGIN_TOLERANCE } from '../check-rescore/contract';
import type { ChatChunk, ChatInput, ChatOutput } from './contract';

/** Questions that wait for the model while it answers another; more would only run into their deadlines. */
export const MAX_WAITING_CHATS = 3;

export interface ChatHandlerOptions {
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
  /** This node: whose seed sampled tokens are drawn under. */
  readonly self: NodeId;
}

/**
 * `llm.chat@1` over a loaded model. Tokens that the requester already has are continued from only when the same model
 * made them and this one would have chosen them too: whoever finishes an answer answers for all of it. Otherwise it
 * starts again and says so in its first chunk. An answer that nobody checks is kept while it is made, so that it survives a
 * breakdown of the engine. Codes: those of the model, `busy`, `cancelled`.
 */
export function createChatHandler({
  self,
  model: findModel,
}: ChatHandlerOptions): Handler<ChatInput, ChatOutput, ChatChunk> {
  let running = 0;

  async function answer(
    model: LanguageModel,
    input: ChatInput,
    job: JobContext | undefined,
    signal: AbortSignal,
    emit: (chunk: ChatChunk) => void,
  ): Promise<Result<ChatOutput>> {
    const { messages, maxTokens } = input;
    const prompt = await model.encodePrompt(messages);
    if (!prompt.ok) return prompt;
    const promptIds = prompt.value;
    const { id, hash, engine } = model.identity;
    if (input.sampling !== undefined && job === undefined)
      return fail('no_job', 'A sampled answer needs a job: its seed is bound to it.');
    const samplingFrom = (resumedTokens: number): Sampling | undefined =>
      job && samplingOf(input, { jobId: job.jobId, executor: self, modelHash: hash, resumedTokens });
    const prefixIds = await resumableIds(model, promptIds, input, samplingFrom(input.resume?.ids.length ?? 0));
    const sampling = samplingFrom(prefixIds.length);

    const begin = { model: { id, hash, engine }, resumedTokens: prefixIds.length };
    let begun = false;
    const onToken = (token: GeneratedToken): void => {
      emit(begun ? { ids: [token.id], text: token.text } : { ids: [token.id], text: token.text, begin });
      begun = true;
    };
    const generation = await model.generate(
      {
        promptIds,
        prefixIds,
        maxTokens,
        signal,
        ...(sampling === undefined ? {} : { sampling }),
        ...(job?.unchecked === true ? { keptAs: job.jobId } : {}),
      },
      onToken,
    );
    if (!generation.ok) return generation;
    const { finish } = generation.value;
    if (finish === 'cancelled' || signal.aborted) return fail('cancelled', 'The answer was stopped.');
    if (!begun) emit({ ids: [], text: '', begin });

    const ids = [...prefixIds, ...generation.value.ids];
    const text = await model.decode(ids);
    if (!text.ok) return text;
    return ok({
      model: begin.model,
      promptIds: [...promptIds],
      ids,
      resumedTokens: prefixIds.length,
      text: text.value,
      finish,
    });
  }

  return async (input, { signal, emit, job }) => {
    if (running > MAX_WAITING_CHATS)
      return fail('busy', 'This device already has as many questions as it can take.', 'busy');
    running++;
    try {
      if (signal.aborted) return fail('cancelled', 'The answer was stopped.');
      const model = await findModel(input.model);
      return model.ok ? await answer(model.value, input, job, signal, emit) : model;
    } finally {
      running--;
    }
  };
}

async function resumableIds(
  model: LanguageModel,
  promptIds: readonly number[],
  { resume, maxTokens }: ChatInput,
  sampling: Sampling | undefined,
): Promise<readonly number[]> {
  if (resume === undefined || resume.ids.length === 0 || resume.modelHash !== model.identity.hash) return [];
  const end = resume.ids.indexOf(model.endTokenId);
  if (resume.ids.length > maxTokens || (end !== -1 && end !== resume.ids.length - 1)) return [];
  const scores = await model.score(promptIds, resume.ids, sampling);
  return scores.ok && scores.value.every(({ margin }) => margin <= MARGIN_TOLERANCE) ? resume.ids : [];
}
