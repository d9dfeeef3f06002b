import {
  AutoModel,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  Tensor,
  type PreTrainedModel,
  type PreTrainedTokenizer,
} from '@huggingface/transformers';
import { configure, LOCAL_NAME, releaseFiles, type Device } from './environment';
import type { Encoding } from './fit-text';
import type { OpenedModel } from './open-source';
import { guardedTokens, neutralised } from './prompting';
import { configOf, graphOptions, tokenizerOf, type LooseConfig } from './runtime';

/** An encoder: texts as ids in, one row of numbers per text out. */
export interface EncoderRuntime {
  /** What one text or one pair may have, the model's own tokens included. */
  readonly contextTokens: number;
  readonly config: LooseConfig;
  encode(text: string, pair?: string): Encoding;
  /** Ids of the text alone. */
  plainIds(text: string): readonly number[];
  /** One pass over all rows, the shorter ones padded. */
  run(rows: readonly Encoding[]): Promise<EncoderOutput>;
}

/** `width` numbers per text, or per token of each text where `tokens` is not null: so many per row, padding included. */
export interface EncoderOutput {
  readonly values: Float32Array;
  readonly width: number;
  readonly tokens: number | null;
}

/** Names under which encoders give what they found, in the order in which they are preferred. */
const OUTPUTS = ['logits', 'last_hidden_state', 'token_embeddings', 'sentence_embedding'];

interface Encoded {
  readonly input_ids: readonly (number | undefined)[];
  readonly token_type_ids?: readonly number[];
}

/** Loads the model into this worker. Throws on any fault; the worker must then be replaced, for the runtime never recovers. */
export async function loadEncoderRuntime(
  opened: OpenedModel,
  device: Device,
  head: 'none' | 'sequence',
  contextTokens: number,
): Promise<EncoderRuntime> {
  configure(opened, device);
  const tokenizer: PreTrainedTokenizer = await AutoTokenizer.from_pretrained(LOCAL_NAME);
  const kind = head === 'none' ? AutoModel : AutoModelForSequenceClassification;
  const model: PreTrainedModel = await kind.from_pretrained(LOCAL_NAME, graphOptions(opened, device));
  releaseFiles();
  const config = configOf(model);
  const padId = (tokenizer as unknown as { pad_token_id?: number }).pad_token_id ?? 0;

  // A passage that could write the mark between the two texts could put words into the query's mouth.
  const guarded = guardedTokens(tokenizerOf(tokenizer), '');
  const encodeWith = (text: string, pair: string | null, addSpecialTokens: boolean): Encoding => {
    const { input_ids, token_type_ids = null } = tokenizer(neutralised(text, guarded), {
      text_pair: pair === null ? null : neutralised(pair, guarded),
      add_special_tokens: addSpecialTokens,
      return_tensor: false,
      return_token_type_ids: true,
    }) as unknown as Encoded;
    const known = input_ids.map((id) => id !== undefined);
    return {
      ids: input_ids.filter((id) => id !== undefined),
      typeIds: token_type_ids === null ? null : token_type_ids.filter((_, index) => known[index]),
    };
  };

  return {
    contextTokens: Math.min(
      contextTokens,
      tokenizer.model_max_length,
      config.max_position_embeddings ?? Number.POSITIVE_INFINITY,
    ),
    config,
    encode: (text, pair) => encodeWith(text, pair ?? null, true),
    plainIds: (text) => encodeWith(text, null, false).ids,
    async run(rows) {
      const longest = Math.max(...rows.map(({ ids }) => ids.length));
      const tensor = (valueOf: (row: Encoding, at: number) => number): Tensor => {
        const cells = rows.flatMap((row) => Array.from({ length: longest }, (_, at) => BigInt(valueOf(row, at))));
        return new Tensor('int64', BigInt64Array.from(cells), [rows.length, longest]);
      };
      const outputs = (await model.forward({
        input_ids: tensor(({ ids }, at) => ids[at] ?? padId),
        attention_mask: tensor(({ ids }, at) => (at < ids.length ? 1 : 0)),
        token_type_ids: tensor(({ typeIds }, at) => typeIds?.[at] ?? 0),
      })) as Record<string, Tensor>;
      const name = OUTPUTS.find((one) => outputs[one] !== undefined);
      if (name === undefined) throw new Error('The model gives nothing that this engine knows.');
      const output = outputs[name]!;
      const floats = output.type === 'float32' ? output : output.to('float32');
      const perToken = output.dims.length === 3;
      const result = {
        values: Float32Array.from(floats.data as Float32Array),
        width: output.dims.at(-1)!,
        tokens: perToken ? longest : null,
      };
      for (const one of Object.values(outputs)) one.dispose();
      return result;
    },
  };
}
