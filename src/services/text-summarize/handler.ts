import type { Handler } from '#core/bus/capability';
import { fail, ok, type Result } from '#core/base/result';
import type { GeneratedToken, LanguageModel } from '#core/engines/language-model';
import { summaryFault } from '#core/experts/objective/summary-check';
import { summarizeMessages, type SummarizeChunk, type SummarizeInput, type SummarizeOutput } from './contract';

export interface SummarizeHandlerOptions {
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
}

/**
 * `text.summarize@1` over a loaded model, greedy. A text that is no summary is not delivered: nobody would accept it.
 * Codes: those of the model, `not_a_summary`, `cancelled`.
 */
export const createSummarizeHandler =
  ({ model: findModel }: SummarizeHandlerOptions): Handler<SummarizeInput, SummarizeOutput, SummarizeChunk> =>
  async (input, { signal, emit }) => {
    const found = await findModel(input.model);
    if (!found.ok) return found;
    const model = found.value;
    const prompt = await model.encodePrompt(summarizeMessages(input));
    if (!prompt.ok) return prompt;
    const promptIds = prompt.value;
    const { id, hash, engine } = model.identity;
    const begin = { model: { id, hash, engine } };
    let begun = false;
    const onToken = (token: GeneratedToken): void => {
      emit(begun ? { ids: [token.id], text: token.text } : { ids: [token.id], text: token.text, begin });
      begun = true;
    };
    const { maxTokens, maxWords, text: source } = input;
    const run = await model.generate({ promptIds, prefixIds: [], maxTokens, signal }, onToken);
    if (!run.ok) return run;
    const { ids, finish } = run.value;
    if (finish === 'cancelled' || signal.aborted) return fail('cancelled', 'The summary was stopped.');
    const text = await model.decode(ids);
    if (!text.ok) return text;
    const fault = summaryFault(source, text.value, maxWords);
    if (fault !== null) return fail('not_a_summary', `The model's text is no summary: ${fault.replaceAll('_', ' ')}.`);
    return ok({ model: begin.model, promptIds: [...promptIds], ids: [...ids], text: text.value, finish });
  };
