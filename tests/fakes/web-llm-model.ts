import { hex, utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { ModelSource } from '#core/engines/worker-protocol';

/** Spark's tokenizer, padded to a round number as vocabularies are. */
export const TOY_VOCABULARY = 1_408;
export const TOY_ANSWER_MARK = 1_337;
export const TOY_END = 1_338;
/** Ends an answer too. */
const TOY_PAD = 1_335;
export const TOY_CONTEXT = 200;

const TEMPLATE =
  "{% for message in messages %}{{ '<|user|> ' if message.role == 'user' else '<|spark|> ' }}{{ message.content }}" +
  "{% if message.role != 'user' %}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|spark|>{% endif %}";

/** What a model of the store looks like to an engine, as files in memory; the tokenizer's are Spark's. */
export function toyModel(
  tokenizer: string,
  tokenizerConfig: string,
  changed: { readonly files?: Readonly<Record<string, string>>; readonly manifest?: Partial<ModelManifest> } = {},
): Extract<ModelSource, { kind: 'stored' }> {
  const files: Record<string, string> = {
    'mlc-chat-config.json': JSON.stringify({
      model_type: 'toy',
      vocab_size: TOY_VOCABULARY,
      context_window_size: 4_096,
      // As some models have it: not both at once, says web-llm.
      sliding_window_size: 512,
      tokenizer_files: ['tokenizer.json', 'tokenizer_config.json'],
      conv_template: { stop_str: ['never'], stop_token_ids: [TOY_PAD, TOY_END], seps: ['<|end|>'], roles: {} },
    }),
    'tensor-cache.json': JSON.stringify({
      records: [0, 1, 2].map((index) => ({ dataPath: `params_shard_${index}.bin`, nbytes: 8 })),
    }),
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': JSON.stringify({ ...(JSON.parse(tokenizerConfig) as object), chat_template: TEMPLATE }),
    'params_shard_0.bin': '00000000',
    'params_shard_1.bin': '11111111',
    'params_shard_2.bin': '22222222',
    'lib/toy-webgpu.wasm': 'not a library',
    ...changed.files,
  };
  const manifest: ModelManifest = {
    id: 'toy-1',
    name: 'Toy',
    family: 'toy',
    version: '1',
    engine: 'web-llm',
    tasks: ['chat'],
    parameters: 1_000_000,
    quantisation: 'q4f32_1',
    source: { kind: 'hub', repository: 'toys/toy-1', revision: 'main' },
    files: Object.entries(files).map(([path, text]) => ({
      path,
      sha256: hex(sha256(utf8(text))),
      sizeBytes: utf8(text).length,
    })),
    library: 'lib/toy-webgpu.wasm',
    licence: { name: 'none' },
    memoryBytes: 1_000_000,
    features: [],
    contextTokens: TOY_CONTEXT,
    chatTemplate: 'tokenizer',
    temperaturePercent: 70,
    ...changed.manifest,
  };
  const blobByPath = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, new Blob([text])]));
  return { kind: 'stored', manifest, blobByPath };
}
