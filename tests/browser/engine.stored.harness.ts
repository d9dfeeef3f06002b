import { createSystemClock } from '#adapters/clock-system/system-clock';
import type { ModelWorkerHandle } from '#adapters/engine-worker/model-worker-handle';
import { spawnEncoderWorker, spawnModelWorker } from '#adapters/engine-worker/spawn-model-worker';
import {
  loadSupervisedClassifier,
  loadSupervisedEmbedding,
  loadSupervisedRerank,
} from '#adapters/engine-worker/supervised-encoders';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { ModelSource, GenerationEvent } from '#core/engines/worker-protocol';
import { classifierModelCases } from '#tests/conformance/classifier-model';
import { embeddingModelCases } from '#tests/conformance/embedding-model';
import type { EncoderCase } from '#tests/conformance/encoder-rules';
import { languageModelCases } from '#tests/conformance/language-model';
import { rerankModelCases } from '#tests/conformance/rerank-model';
import { endlessSource, storedSource, textIn, type SourceChange } from './engine.sources';

const clock = createSystemClock();
const never = new AbortController().signal;

export type Device = 'auto' | 'wasm' | 'webgpu';
export const SPARK = '/static/models/spark/';
const LOOM = '/tests/models/loom/';
const TINY = {
  embed: '/tests/models/tiny-embed/',
  rerank: '/tests/models/tiny-rerank/',
  classify: '/tests/models/tiny-classify/',
};

const common = { clock, onProgress: () => {}, onGone: () => {} };

/** Each worker that was started for the models of this page, in order. */
const handles: ModelWorkerHandle[] = [];
function spawnCounted(): ModelWorkerHandle {
  const handle = spawnModelWorker();
  handles.push(handle);
  return handle;
}

const load = (source: ModelSource, device: Device = 'wasm'): Promise<Result<LanguageModel>> =>
  loadSupervisedModel({ ...common, modelId: 'stored-1', source, device, spawn: spawnCounted });

const encoderOptions = async (folder: string, change: SourceChange, device: Device) => ({
  ...common,
  modelId: 'stored-1',
  source: await storedSource(folder, change),
  device,
  spawn: spawnEncoderWorker,
});

const ask = async (model: LanguageModel, text: string): Promise<readonly number[]> =>
  unwrap(await model.encodePrompt([{ role: 'user', text }]));

async function answer(model: LanguageModel, text: string): Promise<readonly number[]> {
  const promptIds = await ask(model, text);
  return unwrap(await model.generate({ promptIds, prefixIds: [], maxTokens: 160, signal: never }, () => {})).ids;
}

const outcome = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Spark without its card, under a chat template that gives the same prompts. */
const CHAT_TEMPLATE =
  "{% for m in messages %}{% if m.role == 'user' %}<|user|> {{ m.content | trim }}{% else %}<|spark|>{{ m.content }}<|end|>{% endif %}" +
  '{% endfor %}{% if add_generation_prompt %}<|spark|>{% endif %}';

async function sparkByTemplate(): Promise<SourceChange> {
  const config = JSON.parse(await textIn(SPARK, 'tokenizer_config.json')) as object;
  return {
    manifest: { chatTemplate: 'tokenizer' },
    files: { 'tokenizer_config.json': JSON.stringify({ ...config, chat_template: CHAT_TEMPLATE }) },
  };
}

const subject = {
  model: async () => unwrap(await load(await storedSource(SPARK, await sparkByTemplate()))),
  question: 'what is a node',
  otherQuestion: 'what is a receipt',
};

const encoders = {
  embed: async (device: Device, change: SourceChange = {}) =>
    unwrap(await loadSupervisedEmbedding(await encoderOptions(TINY.embed, change, device))),
  rerank: async (device: Device, change: SourceChange = {}) =>
    unwrap(await loadSupervisedRerank(await encoderOptions(TINY.rerank, change, device))),
  classify: async (device: Device, change: SourceChange = {}) =>
    unwrap(await loadSupervisedClassifier(await encoderOptions(TINY.classify, change, device))),
};

const texts = ['What is a node?', 'The cat went to the river, and the dog asked why.', 'Open the door!'];
const longText = new Array<string>(40).fill('river and').join(' ');

/** Every case over one model, that is let go of at the end: each load costs seconds. What a dispose does comes last. */
async function runAll<M extends { dispose(): Promise<void> }>(
  cases: readonly EncoderCase<M>[],
  make: () => Promise<M>,
): Promise<readonly string[]> {
  const model = await make();
  const failures: string[] = [];
  const shared = { ...model, dispose: async () => {} };
  const last = cases.filter(({ name }) => name.startsWith('after dispose'));
  const report = (name: string) => (error: unknown) => void failures.push(`${name}: ${outcome(error)}`);
  for (const { name, run } of cases)
    if (!last.some((one) => one.name === name))
      await run({ model: async () => shared, texts, longText }).catch(report(name));
  for (const { name, run } of last) await run({ model: async () => model, texts, longText }).catch(report(name));
  return [`${cases.length} cases`, ...failures];
}

const harness = {
  async runCase(name: string): Promise<string> {
    const found = languageModelCases.find((one) => one.name === name);
    return found === undefined ? `no case ${name}` : found.run(subject).then(() => '', outcome);
  },

  /** The same question to the model in its folder and to the same files from the store. */
  async sameFromStore(question: string) {
    const results = [];
    for (const source of [{ kind: 'folder', url: `${location.origin}${SPARK}` } as const, await storedSource(SPARK)]) {
      const model = unwrap(await load(source));
      results.push({ identity: { ...model.identity }, ids: await answer(model, question) });
      await model.dispose();
    }
    return results;
  },

  /** The answer of Spark whose graph is called as a quantised one is, and lies elsewhere. */
  async answerOfRenamed(question: string) {
    const source = await storedSource(SPARK, {
      manifest: { quantisation: 'q4' },
      paths: { 'onnx/model.onnx': 'other/decoder_q4.onnx' },
    });
    const model = unwrap(await load(source));
    const ids = await answer(model, question);
    await model.dispose();
    return ids;
  },

  /** Prompts of the card and of the template, for each text. */
  async promptsBothWays(asked: readonly string[]) {
    const results = [];
    for (const change of [{}, await sparkByTemplate(), { manifest: { chatTemplate: 'none' as const } }]) {
      const model = unwrap(await load(await storedSource(SPARK, change)));
      const prompts = [];
      for (const text of asked) prompts.push(await ask(model, text));
      results.push({ prompts, endTokenId: model.endTokenId });
      await model.dispose();
    }
    return results;
  },

  async refusedLoads() {
    const missing = await storedSource(SPARK);
    const { 'tokenizer.json': _, ...others } = missing.blobByPath;
    const sources: readonly ModelSource[] = [
      { ...missing, blobByPath: others },
      await storedSource(SPARK, { manifest: { quantisation: 'q4' } }),
      await storedSource(SPARK, { files: { 'onnx/model.onnx': 'no graph' } }),
      await storedSource(SPARK, { files: { 'tokenizer.json': '{' } }),
      await storedSource(SPARK, { manifest: { chatTemplate: 'tokenizer' } }),
    ];
    const codes: string[] = [];
    for (const source of sources) {
      const loaded = await load(source);
      codes.push(loaded.ok ? 'loaded' : loaded.error.code);
    }
    return codes;
  },

  encoderCases: {
    embed: (device: Device) => runAll(embeddingModelCases, () => encoders.embed(device)),
    rerank: (device: Device) => runAll(rerankModelCases, () => encoders.rerank(device)),
    classify: (device: Device) => runAll(classifierModelCases, () => encoders.classify(device)),
  },

  async embed(asked: readonly string[], device: Device, pooling?: string) {
    const files: Record<string, string> = {};
    if (pooling !== undefined) files['1_Pooling/config.json'] = JSON.stringify({ [`pooling_mode_${pooling}`]: true });
    const model = await encoders.embed(device, { files });
    const rows = unwrap(await model.embed(asked, never));
    const { engine } = model.identity;
    await model.dispose();
    return { engine, rows: rows.map(({ vector, truncated }) => ({ vector: [...vector], truncated })) };
  },
  async rank(query: string, passages: readonly string[], device: Device) {
    const model = await encoders.rerank(device);
    const rows = unwrap(await model.rank(query, passages, never));
    await model.dispose();
    return rows;
  },
  async classify(asked: readonly string[], device: Device, problemType?: string) {
    const config = JSON.parse(await textIn(TINY.classify, 'config.json')) as object;
    const files: Record<string, string> = {};
    if (problemType !== undefined) files['config.json'] = JSON.stringify({ ...config, problem_type: problemType });
    const model = await encoders.classify(device, { files });
    const rows = unwrap(await model.classify(asked, never));
    await model.dispose();
    return { rows, exclusive: model.exclusive };
  },
  async wrongTask() {
    const source = await storedSource(TINY.embed);
    const options = { ...common, modelId: 'tiny', source, device: 'wasm' as const, spawn: spawnEncoderWorker };
    const asked = [await loadSupervisedRerank(options), await loadSupervisedClassifier(options)];
    // One that says that it reranks, but answers with three numbers.
    const liar = await encoderOptions(TINY.classify, { manifest: { tasks: ['rerank'] } }, 'wasm');
    asked.push(await loadSupervisedRerank(liar));
    return asked.map((loaded) => (loaded.ok ? 'loaded' : loaded.error.code));
  },

  /**
   * How answers end that are told to stop after so many tokens, 0 before the first; each would else be as long as Loom's
   * context. Nothing here looks at a clock.
   */
  async finishesOfStops(stopsAfter: readonly number[]) {
    const source = await endlessSource(LOOM);
    const { worker, terminate } = spawnModelWorker();
    unwrap(await worker.load({ modelId: 'loom', source, device: 'wasm' }, new MessageChannel().port2));
    const promptIds = unwrap(await worker.encodePrompt([{ role: 'user', text: 'write a short note on rivers' }]));
    const finishOf = (stopAfter: number | null) =>
      new Promise<{ finish: string; tokens: number }>((resolve, reject) => {
        const { port1, port2 } = new MessageChannel();
        let tokens = 0;
        port1.onmessage = ({ data }: MessageEvent<GenerationEvent>) => {
          if (data.type === 'token' && ++tokens === stopAfter) port1.postMessage('stop');
          else if (data.type === 'ended') resolve({ finish: data.finish, tokens });
          else if (data.type === 'failed') resolve({ finish: data.code, tokens });
        };
        if (stopAfter === 0) port1.postMessage('stop');
        worker.generate({ promptIds, prefixIds: [], maxTokens: 10_000 }, port2).catch(reject);
      });
    const whole = await finishOf(null);
    const stopped = [];
    for (const stopAfter of stopsAfter) stopped.push(await finishOf(stopAfter));
    terminate();
    return { whole, stopped };
  },

  /** A model whose card promises more context than its graph has: the runtime breaks on a prompt that fits the card. */
  async poison() {
    const card = JSON.parse(await textIn(SPARK, 'card.json')) as object;
    const source = await storedSource(SPARK, {
      files: { 'card.json': JSON.stringify({ ...card, contextTokens: 2_000 }) },
    });
    const before = handles.length;
    const model = unwrap(await load(source));
    const promptIds = await ask(model, 'what is a node');
    const first = await answer(model, 'what is a node');
    const long = Array.from({ length: 600 }, (_, at) => promptIds[at % promptIds.length]!);
    const broken = [
      await model.generate({ promptIds: long, prefixIds: [], maxTokens: 700, signal: never }, () => {}),
      await model.score(long, first),
    ];
    const codes = broken.map((result) => (result.ok ? 'ok' : result.error.code));
    const again = await answer(model, 'what is a node');
    await model.dispose();
    return { codes, sameAfterwards: JSON.stringify(again) === JSON.stringify(first), workers: handles.length - before };
  },

  /** Loads a model of which the manifest says that it has so many parameters, answers with it and checks the answer. */
  async answerAsIfOf(parameters: number) {
    const model = unwrap(await load(await storedSource(SPARK, { manifest: { parameters } })));
    const ids = await answer(model, 'what is a node');
    const scores = unwrap(await model.score(await ask(model, 'what is a node'), ids));
    await model.dispose();
    return { ids, worst: Math.max(...scores.map(({ margin }) => margin)), isolated: crossOriginIsolated };
  },
};

export type StoredHarness = typeof harness;
Object.assign(window, { stored: harness });
