import { fail, ok, type Result } from '#core/base/result';
import type { EncoderLoaded, EncoderTask, EncoderWorker } from '#core/engines/encoder-protocol';
import { createYield } from '../shared/yield-to-messages';
import { loadEncoderRuntime, type EncoderOutput, type EncoderRuntime } from './encoder-runtime';
import { pickDevice, type Device } from './environment';
import { fitTokens, type Encoding, type FittedEncoding } from './fit-text';
import { openSource, textOf } from './open-source';
import { normalised, pool, POOLING_FILE, readPooling, sigmoid, softmax, type Pooling } from './pooling';

interface Loaded {
  readonly task: EncoderTask;
  readonly device: Device;
  readonly runtime: EncoderRuntime;
  readonly pooling: Pooling;
  readonly labels: readonly string[];
  readonly exclusive: boolean;
}

/** The encoder worker over transformers.js; see `EncoderWorker` for what it promises. */
export function createEncoderWorker(): EncoderWorker<MessagePort> {
  const yieldToMessages = createYield();
  let loaded: Loaded | null = null;

  const withModel = async <T>(task: EncoderTask, run: (model: Loaded) => Promise<Result<T>>): Promise<Result<T>> => {
    if (loaded === null) return fail('engine_failed', 'The model is not loaded.');
    if (loaded.task !== task) return fail('wrong_task', 'The model was loaded for another task.');
    return run(loaded);
  };

  /**
   * Each row through the model, in order. On a GPU all go in one pass; on WebAssembly each goes alone, which costs no
   * time, pads nothing, and lets messages in between.
   */
  async function runAll<T>(
    { device, runtime }: Pick<Loaded, 'device' | 'runtime'>,
    rows: readonly FittedEncoding[],
    read: (row: FittedEncoding, numbers: Float32Array, output: EncoderOutput) => T,
  ): Promise<readonly T[]> {
    const results: T[] = [];
    const size = device === 'wasm' ? 1 : rows.length;
    for (let from = 0; from < rows.length; from += size) {
      await yieldToMessages();
      const part = rows.slice(from, from + size);
      const output = await runtime.run(part);
      // A device that computes nonsense says so by no error; the worker is given up for it.
      if (output.values.some(Number.isNaN)) throw new Error('The device computes no numbers for this model.');
      const perRow = output.width * (output.tokens ?? 1);
      part.forEach((row, index) => {
        results.push(read(row, output.values.subarray(index * perRow, (index + 1) * perRow), output));
      });
    }
    return results;
  }

  const empty = () => fail('text_empty', 'There is no text in it that this model can read.');

  /** The rows of texts, each cut to what the model holds. */
  function fitAll(runtime: EncoderRuntime, texts: readonly string[]): Result<readonly FittedEncoding[]> {
    const rows: FittedEncoding[] = [];
    for (const text of texts) {
      const row = fitTokens(runtime.encode(text), runtime.plainIds(text), runtime.contextTokens);
      if (row === null || row.ids.length === 0) return empty();
      rows.push(row);
    }
    return ok(rows);
  }

  return {
    async loadEncoder({ modelId, source, device: wanted, task }, progress) {
      if (source.kind !== 'stored' || !source.manifest.tasks.includes(task))
        return fail('wrong_task', `The model ${modelId} is not made for this.`);
      const opened = await openSource(source, (state) => progress.postMessage(state));
      progress.close();
      if (!opened.ok) return opened;
      const pooling = readPooling(await textOf(opened.value, POOLING_FILE));
      if (!pooling.ok) return pooling;
      const device = await pickDevice(wanted, opened.value.features);
      const { contextTokens } = source.manifest;
      const head = task === 'embed' ? 'none' : 'sequence';
      const runtime = await loadEncoderRuntime(opened.value, device, head, contextTokens);

      // The first pass compiles kernels, and says how wide the model's answer is.
      const { width } = await runtime.run([runtime.encode('hello')]);
      const labels = labelsOf(runtime);
      if (task === 'rerank' && width !== 1)
        return fail('wrong_task', `The model ${modelId} does not give one number per passage.`);
      if (task === 'classify' && width !== labels.length)
        return fail('load_failed', 'The model could not be loaded: its labels are not as many as its answers.');

      const exclusive = labels.length > 1 && runtime.config.problem_type !== 'multi_label_classification';
      loaded = { task, device, runtime, pooling: pooling.value, labels, exclusive };
      const identity = {
        id: modelId,
        name: source.manifest.name,
        hash: opened.value.hash,
        engine: `transformers/${device}`,
        contextTokens: runtime.contextTokens,
      };
      const said: EncoderLoaded =
        task === 'embed'
          ? { task, identity, dimensions: width }
          : task === 'rerank'
            ? { task, identity }
            : { task, identity, labels, exclusive };
      return ok(said);
    },

    embed: (texts) =>
      withModel('embed', async (model) => {
        const rows = fitAll(model.runtime, texts);
        if (!rows.ok) return rows;
        return ok(
          await runAll(model, rows.value, ({ ids, truncated }, numbers, { width, tokens }) => ({
            vector: normalised(tokens === null ? numbers.slice() : pool(numbers, ids.length, width, model.pooling)),
            truncated,
          })),
        );
      }),

    rank: (query, passages) =>
      withModel('rerank', async (model) => {
        const { runtime } = model;
        const rows: FittedEncoding[] = [];
        for (const passage of passages) {
          const whole: Encoding = runtime.encode(query, passage);
          const row = fitTokens(whole, runtime.plainIds(passage), runtime.contextTokens);
          if (row === null) return fail('query_too_long', 'The question leaves no room for a passage in this model.');
          if (row.ids.length === 0) return empty();
          rows.push(row);
        }
        return ok(await runAll(model, rows, ({ truncated }, numbers) => ({ score: sigmoid(numbers[0]!), truncated })));
      }),

    classify: (texts) =>
      withModel('classify', async (model) => {
        const rows = fitAll(model.runtime, texts);
        if (!rows.ok) return rows;
        const { labels, exclusive } = model;
        return ok(
          await runAll(model, rows.value, ({ truncated }, numbers) => {
            const probabilities = exclusive ? softmax([...numbers]) : [...numbers].map(sigmoid);
            return {
              labels: labels
                .map((label, index) => ({ label, probability: probabilities[index]! }))
                .sort((a, b) => b.probability - a.probability),
              truncated,
            };
          }),
        );
      }),
  };
}

/** The names of the model's answers, in the order of its numbers. */
function labelsOf({ config }: EncoderRuntime): readonly string[] {
  return Object.entries(config.id2label ?? {})
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, label]) => label);
}
