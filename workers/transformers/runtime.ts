import {
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  Tensor,
  type PreTrainedModel,
  type PreTrainedTokenizer,
} from '@huggingface/transformers';
import asyncifyLoaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import plainLoaderUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import plainWasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { ForwardModel } from './generation';
import type { ModelFiles } from './model-files';

export type Device = 'wasm' | 'webgpu';

export interface TextRuntime extends ForwardModel {
  /** Ids of text as it stands, special tokens written out in it included; none are added. */
  encode(text: string): readonly number[];
}

/** Where transformers.js believes the verified files to be; nothing is ever asked for there. */
const LOCAL_MODELS = '/models/';

/** A GPU only when it is one: software adapters are slower than WebAssembly. */
export async function pickDevice(wanted: 'auto' | Device): Promise<Device> {
  if (wanted !== 'auto') return wanted;
  interface Adapter {
    readonly isFallbackAdapter?: boolean;
    readonly info?: { readonly isFallbackAdapter?: boolean; readonly architecture?: string };
  }
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }).gpu;
  const adapter = (await gpu?.requestAdapter().catch(() => null)) ?? null;
  if (adapter === null) return 'wasm';
  const software =
    adapter.isFallbackAdapter === true ||
    adapter.info?.isFallbackAdapter === true ||
    adapter.info?.architecture === 'swiftshader';
  return software ? 'wasm' : 'webgpu';
}

/**
 * Points transformers.js at our own files: the runtime from this origin's hashed assets, the model from bytes that were
 * verified. It never asks the network for anything.
 */
function configure(modelId: string, files: ModelFiles, device: Device): void {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = LOCAL_MODELS;
  env.useBrowserCache = false;
  // With its own cache the runtime's loader is imported from a blob address, which the content security policy forbids.
  env.useWasmCache = false;
  const prefix = `${LOCAL_MODELS}${modelId}/`;
  env.fetch = async (input) => {
    const path = new URL(String(input instanceof Request ? input.url : input), self.location.origin).pathname;
    const bytes = path.startsWith(prefix) ? files.bytesByPath.get(path.slice(prefix.length)) : undefined;
    if (bytes === undefined) return new Response(null, { status: 404 });
    return new Response(bytes, { headers: { 'content-length': String(bytes.length) } });
  };
  const wasm = env.backends.onnx.wasm;
  if (wasm === undefined) throw new Error('The runtime has no WebAssembly backend.');
  const absolute = (url: string): string => new URL(url, self.location.href).href;
  wasm.wasmPaths =
    device === 'webgpu'
      ? { mjs: absolute(asyncifyLoaderUrl), wasm: absolute(asyncifyWasmUrl) }
      : { mjs: absolute(plainLoaderUrl), wasm: absolute(plainWasmUrl) };
  // One thread: the same sums in the same order on every device, so that two nodes agree on a near-tie.
  wasm.numThreads = 1;
}

const idsTensor = (ids: readonly number[]): Tensor =>
  new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]);
const onesTensor = (length: number): Tensor => new Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]);
const positionsTensor = (from: number, length: number): Tensor =>
  new Tensor(
    'int64',
    BigInt64Array.from({ length }, (_, index) => BigInt(from + index)),
    [1, length],
  );

type Tensors = Record<string, Tensor>;

/** Loads the model into this worker. Throws on any fault; the worker must then be replaced, for the runtime never recovers. */
export async function loadRuntime(
  modelId: string,
  files: ModelFiles,
  device: Device,
  contextTokens: number,
): Promise<TextRuntime> {
  configure(modelId, files, device);
  const tokenizer: PreTrainedTokenizer = await AutoTokenizer.from_pretrained(modelId);
  const model: PreTrainedModel = await AutoModelForCausalLM.from_pretrained(modelId, { device, dtype: 'fp32' });
  const vocabularySize = (model.config as unknown as { vocab_size?: number }).vocab_size;
  if (vocabularySize === undefined) throw new Error('The model does not say how large its vocabulary is.');

  /** `lastOnly` asks for the last position's logits where the graph can leave out the rest. */
  const forward = async (
    ids: readonly number[],
    pastLength: number,
    past: Tensors | null,
    lastOnly: boolean,
  ): Promise<Tensors> =>
    (await model.forward({
      input_ids: idsTensor(ids),
      attention_mask: onesTensor(pastLength + ids.length),
      position_ids: positionsTensor(pastLength, ids.length),
      num_logits_to_keep: new Tensor('int64', [lastOnly ? 1n : 0n], []),
      past_key_values: past,
    })) as Tensors;

  /** The logits as a copy of the row `index` from the end of the result (0 is the last). */
  const rowOf = (logits: Tensor, row: number): Float32Array => {
    const width = logits.dims[2]!;
    return (logits.data as Float32Array).subarray(row * width, (row + 1) * width);
  };
  const free = (tensors: Tensors): void => {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  };
  const splitPast = (outputs: Tensors): { logits: Tensor; past: Tensors } => {
    const { logits, ...present } = outputs;
    if (logits === undefined) throw new Error('The model gave no logits.');
    return {
      logits,
      past: Object.fromEntries(
        Object.entries(present).map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
      ),
    };
  };

  return {
    vocabularySize,
    contextTokens,
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }),
    // No clean-up of spaces: text that was given out must stay a prefix of what follows.
    decode: (ids) =>
      ids.length === 0
        ? ''
        : tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    openSequence() {
      let fed = 0;
      let past: Tensors | null = null;
      return {
        async feed(ids) {
          const before: Tensors | null = past;
          const { logits, past: after } = splitPast(await forward(ids, fed, before, true));
          if (before !== null) free(before);
          past = after;
          fed += ids.length;
          const row = Float32Array.from(rowOf(logits, logits.dims[1]! - 1));
          logits.dispose();
          return row;
        },
        close() {
          if (past !== null) free(past);
          past = null;
        },
      };
    },
    async pass(ids) {
      const { logits, past } = splitPast(await forward(ids, 0, null, false));
      free(past);
      return { logitsAfter: (index) => rowOf(logits, index) };
    },
  };
}
