import {
  AutoModelForCausalLM,
  AutoTokenizer,
  Tensor,
  type PreTrainedModel,
  type PreTrainedTokenizer,
} from '@huggingface/transformers';
import { configure, LOCAL_NAME, releaseFiles, type Device } from './environment';
import type { ForwardModel } from './generation';
import type { OpenedModel } from './open-source';
import { endTokensOf, type PromptTokenizer } from './prompting';

export interface TextRuntime extends ForwardModel {
  readonly tokenizer: PromptTokenizer;
  /** What ends an answer, the usual one first. */
  readonly endTokenIds: readonly number[];
}

/** What the logits of one pass may take. */
const MAX_LOGITS_BYTES = 64 * 1024 * 1024;
/**
 * What one pass on WebAssembly may multiply, in parameters times tokens: a few seconds on a slow machine, so that a
 * person who stops a long question does not wait for all of it.
 */
const MAX_PASS_WORK = 20_000_000_000;
const FP32_BYTES = 4;

type Tensors = Record<string, Tensor>;

const idsTensor = (ids: readonly number[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
const onesTensor = (length: number): Tensor => new Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]);

/** The options under which transformers.js finds the one graph of the opened model. */
export const graphOptions = ({ graph }: OpenedModel, device: Device) => ({
  device,
  dtype: graph.dtype,
  subfolder: graph.subfolder,
  model_file_name: graph.fileName,
  use_external_data_format: graph.dataFiles,
});

/** What the library knows of a model without promising its type. */
export interface LooseConfig {
  readonly vocab_size?: number;
  readonly max_position_embeddings?: number;
  readonly eos_token_id?: number | readonly number[] | null;
  readonly problem_type?: string | null;
  readonly id2label?: Readonly<Record<string, string>>;
}

export const configOf = (model: PreTrainedModel): LooseConfig => model.config as unknown as LooseConfig;

export const tokenizerOf = (tokenizer: PreTrainedTokenizer): PromptTokenizer => ({
  // What a vocabulary without an unknown token cannot say comes out as no id at all, and is left out.
  encode: (text, addSpecialTokens) =>
    tokenizer
      .encode(text, { add_special_tokens: addSpecialTokens })
      .filter((id: number | undefined) => id !== undefined),
  addedTokens: [
    ...(
      tokenizer as unknown as {
        _tokenizer: { get_added_tokens_decoder(): Map<number, { id: number; content: string; special: boolean }> };
      }
    )._tokenizer
      .get_added_tokens_decoder()
      .values(),
  ],
  get chatTemplate() {
    // The library throws where there is none.
    return tokenizer.chat_template === null ? null : tokenizer.get_chat_template();
  },
  render: (template, messages, variables) =>
    tokenizer.apply_chat_template(
      messages.map((message) => ({ ...message })),
      { ...variables, chat_template: template, add_generation_prompt: true, tokenize: false },
    ),
});

/** Loads the model into this worker. Throws on any fault; the worker must then be replaced, for the runtime never recovers. */
export async function loadRuntime(opened: OpenedModel, device: Device, contextTokens: number): Promise<TextRuntime> {
  configure(opened, device);
  const tokenizer: PreTrainedTokenizer = await AutoTokenizer.from_pretrained(LOCAL_NAME);
  const model: PreTrainedModel = await AutoModelForCausalLM.from_pretrained(LOCAL_NAME, graphOptions(opened, device));
  releaseFiles();
  const vocabularySize = configOf(model).vocab_size;
  if (vocabularySize === undefined) throw new Error('The model does not say how large its vocabulary is.');
  const passTokens = Math.floor(
    Math.max(
      1,
      Math.min(
        MAX_LOGITS_BYTES / FP32_BYTES / vocabularySize,
        device === 'wasm' ? MAX_PASS_WORK / Math.max(opened.parameters, 1) : Infinity,
      ),
    ),
  );

  /** `lastOnly` asks for the last position's logits where the graph can leave out the rest. Positions follow from the mask. */
  const forward = async (
    ids: readonly number[],
    pastLength: number,
    past: Tensors | null,
    lastOnly: boolean,
  ): Promise<Tensors> =>
    (await model.forward({
      input_ids: idsTensor(ids),
      attention_mask: onesTensor(pastLength + ids.length),
      num_logits_to_keep: new Tensor('int64', [lastOnly ? 1n : 0n], []),
      past_key_values: past,
    })) as Tensors;

  const free = (tensors: Tensors): void => {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  };
  /** The cache under the names that the graph takes it in by; `present_conv.0` comes back as `past_conv.0`. */
  const splitPast = (outputs: Tensors): { logits: Tensor; past: Tensors } => {
    const { logits, ...present } = outputs;
    if (logits === undefined) throw new Error('The model gave no logits.');
    return {
      logits,
      past: Object.fromEntries(
        Object.entries(present).map(([name, tensor]) => [
          name.startsWith('present_') ? name.replace('present', 'past') : name.replace('present', 'past_key_values'),
          tensor,
        ]),
      ),
    };
  };
  const floats = (logits: Tensor): Float32Array =>
    (logits.type === 'float32' ? logits : logits.to('float32')).data as Float32Array;
  /** A device that computes nonsense says so by no error; what is no number would be drawn as the first of all tokens. */
  const numbers = (row: Float32Array): Float32Array => {
    for (const logit of row) if (Number.isNaN(logit)) throw new Error('The device computes no numbers for this model.');
    return row;
  };

  return {
    vocabularySize,
    contextTokens,
    passTokens,
    tokenizer: tokenizerOf(tokenizer),
    endTokenIds: endTokensOf(
      (model.generation_config as LooseConfig | null)?.eos_token_id ?? configOf(model).eos_token_id,
      (tokenizer as unknown as { eos_token_id?: number }).eos_token_id,
    ),
    // No clean-up of spaces: text that was given out must stay a prefix of what follows.
    decode: (ids) =>
      ids.length === 0
        ? ''
        : tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    openSequence() {
      let fed = 0;
      let past: Tensors | null = null;
      const advance = async (ids: readonly number[], lastOnly: boolean): Promise<Tensor> => {
        const before: Tensors | null = past;
        const { logits, past: after } = splitPast(await forward(ids, fed, before, lastOnly));
        if (before !== null) free(before);
        past = after;
        fed += ids.length;
        return logits;
      };
      return {
        async feed(ids) {
          const logits = await advance(ids, true);
          const width = logits.dims[2]!;
          const row = floats(logits).slice((logits.dims[1]! - 1) * width);
          logits.dispose();
          return numbers(row);
        },
        async feedAll(ids) {
          const logits = await advance(ids, false);
          const width = logits.dims[2]!;
          const rows = floats(logits);
          return { logitsAfter: (index) => numbers(rows.subarray(index * width, (index + 1) * width)) };
        },
        close() {
          if (past !== null) free(past);
          past = null;
        },
      };
    },
  };
}
