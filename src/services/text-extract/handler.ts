import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { ChatMessage, LanguageModel, OutputShape } from '#core/engines/language-model';
import { readSchema } from '#core/experts/objective/schema-bounds';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import type { ExtractInput, ExtractOutput } from './contract';
import { readAnswer } from './read-answer';

/** The model sees once what was wrong; a second correction seldom helps a small one. */
const MAX_ATTEMPTS = 2;

export interface ExtractHandlerOptions {
  readonly clock: Clock;
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
}

const promptOf = ({ text, instruction, schema }: ExtractInput): string =>
  `${instruction}\n\nAnswer with JSON that fits this JSON schema:\n${schema}\n\nCopy every string value word for word from the text. Do not invent anything.\n\nText:\n"""\n${text}\n"""`;

/** The model's whole answer as text, in the given form where the engine can hold to it. */
async function generate(
  model: LanguageModel,
  messages: readonly ChatMessage[],
  maxTokens: number,
  shape: OutputShape,
  signal: AbortSignal,
): Promise<Result<string>> {
  const prompt = await model.encodePrompt(messages);
  if (!prompt.ok) return prompt;
  const request = { promptIds: prompt.value, prefixIds: [], maxTokens, signal };
  let run = await model.generate({ ...request, shape }, () => {});
  if (!run.ok && run.error.code === 'unsupported_shape') run = await model.generate(request, () => {});
  if (!run.ok) return run;
  if (run.value.finish === 'cancelled' || signal.aborted) return fail('cancelled', 'The extraction was stopped.');
  return model.decode(run.value.ids);
}

/**
 * `text.extract@1` over a loaded model. What does not fit the schema, or quotes what the text does not say, is not
 * delivered. Codes: `bad_input` (the schema is refused), those of the model, `no_answer_found`, `cancelled`.
 */
export const createExtractHandler =
  ({ clock, model: findModel }: ExtractHandlerOptions): Handler<ExtractInput, ExtractOutput, WorkSign> =>
  (input, { signal, emit }) =>
    withSigns(clock, emit, async () => {
      const { text, schema, maxTokens } = input;
      const readable = readSchema(schema);
      if (!readable.ok) return fail('bad_input', readable.error.message, readable.error.message);
      const model = await findModel(input.model);
      if (!model.ok) return model;
      const { id, hash, engine } = model.value.identity;
      const messages: ChatMessage[] = [{ role: 'user', text: promptOf(input) }];
      let why = '';
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const said = await generate(model.value, messages, maxTokens, { kind: 'json-schema', schema }, signal);
        if (!said.ok) return attempt > 0 && said.error.code === 'prompt_too_long' ? fail('no_answer_found', why) : said;
        const answer = readAnswer(text, schema, said.value);
        if (answer.ok) return ok({ model: { id, hash, engine }, ...answer.value });
        why = answer.error.message;
        messages.push(
          { role: 'assistant', text: said.value },
          { role: 'user', text: `That is not right: ${why} Answer again with JSON only.` },
        );
      }
      return fail('no_answer_found', `The model found no answer that holds: ${why}`);
    });
