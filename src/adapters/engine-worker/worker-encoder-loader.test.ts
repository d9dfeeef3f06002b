import { describe, expect, it } from 'vitest';
import { fail, ok, unwrap } from '#core/base/result';
import type { LoadProgress } from '#core/engines/language-model';
import type { ModelManifest } from '#core/engines/model-manifest';
import { classifierModelCases } from '#tests/conformance/classifier-model';
import { embeddingModelCases } from '#tests/conformance/embedding-model';
import { never } from '#tests/conformance/encoder-rules';
import { rerankModelCases } from '#tests/conformance/rerank-model';
import {
  createFakeEncoderWorker,
  FAKE_CONTEXT_WORDS,
  type FakeEncoderFaults,
  type FakeEncoderWorker,
} from '#tests/fakes/encoder-worker';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { ModelPlace } from './model-places';
import { PASS_TIMEOUT_MS } from './supervised-worker';
import { createWorkerEncoderLoader } from './worker-encoder-loader';

const manifest: ModelManifest = {
  id: 'tiny-1',
  name: 'Tiny',
  family: 'tiny',
  version: '1',
  engine: 'transformers',
  tasks: ['embed', 'rerank', 'classify'],
  parameters: 1_000,
  quantisation: 'fp32',
  source: { kind: 'app', folder: 'models/tiny' },
  files: [{ path: 'onnx/model.onnx', sha256: 'ab'.repeat(32), sizeBytes: 1 }],
  licence: { name: 'MIT' },
  memoryBytes: 1,
  features: [],
  contextTokens: 64,
  chatTemplate: 'none',
  temperaturePercent: 0,
};

/** A loader whose workers are fakes; the n-th worker started gets the n-th entry of `faults`. */
function world(faults: readonly FakeEncoderFaults[] = [], place: Partial<ModelPlace> = {}, parameters = 1_000) {
  const clock = createVirtualClock();
  const workers: FakeEncoderWorker[] = [];
  const loader = createWorkerEncoderLoader({
    clock,
    sourceOf: async (modelId) =>
      modelId === 'tiny-1'
        ? ok({
            source: { kind: 'stored', manifest: { ...manifest, parameters }, blobByPath: {} },
            engine: 'transformers',
            ...place,
          })
        : fail('unknown_model', 'No such model.'),
    spawn() {
      const worker = createFakeEncoderWorker(faults[workers.length]);
      workers.push(worker);
      return worker;
    },
  });
  return { clock, loader, workers };
}

const texts = ['what is a node', 'the cat went to the river', 'open the door'];
const longText = Array.from({ length: FAKE_CONTEXT_WORDS + 1 }, (_, at) => `word${at}`).join(' ');
const hang = () => new Promise<never>(() => {});
const breakDown = () => Promise.reject(new Error('bad node'));

describe('an encoder in a worker keeps what is promised', () => {
  describe('embeddings', () => {
    const subject = { model: async () => unwrap(await world().loader.embedding.load('tiny-1')), texts, longText };
    for (const { name, run } of embeddingModelCases) it(name, () => run(subject));
  });
  describe('reranking', () => {
    const subject = { model: async () => unwrap(await world().loader.rerank.load('tiny-1')), texts, longText };
    for (const { name, run } of rerankModelCases) it(name, () => run(subject));
  });
  describe('classification', () => {
    const subject = { model: async () => unwrap(await world().loader.classifier.load('tiny-1')), texts, longText };
    for (const { name, run } of classifierModelCases) it(name, () => run(subject));
  });
});

describe('loading an encoder', () => {
  it('starts one worker per model and task', async () => {
    const { loader, workers } = world();
    const steps: LoadProgress[] = [];
    const [a, b] = await Promise.all([
      loader.embedding.load('tiny-1', (step) => steps.push(step)),
      loader.embedding.load('tiny-1'),
    ]);
    expect(unwrap(a)).toBe(unwrap(b));
    expect(steps).not.toEqual([]);
    expect((await loader.classifier.load('tiny-1')).ok).toBe(true);
    expect(workers.map(({ loads }) => loads.map(({ task, device }) => [task, device]))).toEqual([
      [['embed', 'auto']],
      [['classify', 'auto']],
    ]);
  });

  it('is refused for a model that is not known, and for one of another engine', async () => {
    const { loader, workers } = world();
    expect(await loader.embedding.load('large-9')).toMatchObject({ error: { code: 'unknown_model' } });
    const other = world([], { engine: 'web-llm' });
    expect(await other.loader.embedding.load('tiny-1')).toMatchObject({ error: { code: 'wrong_task' } });
    expect([...workers, ...other.workers]).toEqual([]);
  });
});

describe('many texts', () => {
  it('go to the worker a few at a time, each few with a deadline of their own', async () => {
    const { clock, loader, workers } = world();
    const model = unwrap(await loader.embedding.load('tiny-1'));
    unwrap(await model.embed(new Array<string>(20).fill('a'), never));
    expect(workers[0]!.calls).toEqual([8, 8, 4]);
    expect(clock.waiting).toBe(0);
  });

  it('are stopped between two calls', async () => {
    const controller = new AbortController();
    const { loader, workers } = world([{ before: async () => controller.abort() }]);
    const model = unwrap(await loader.embedding.load('tiny-1'));
    expect(await model.embed(new Array<string>(20).fill('a'), controller.signal)).toMatchObject({
      error: { code: 'cancelled' },
    });
    expect(workers[0]!.calls).toEqual([8]);
  });
});

describe('an encoder that breaks', () => {
  it('is replaced before the next call', async () => {
    const { loader, workers } = world([{ before: breakDown }]);
    const model = unwrap(await loader.rerank.load('tiny-1'));
    expect(await model.rank('a', texts, never)).toMatchObject({ error: { code: 'engine_failed' } });
    expect(workers[0]!.terminated).toBe(true);
    expect((await model.rank('a', texts, never)).ok).toBe(true);
    expect(workers).toHaveLength(2);
  });

  it('comes back on WebAssembly when it broke on a GPU', async () => {
    const { loader, workers } = world([{ engine: 'transformers/webgpu', before: breakDown }]);
    const model = unwrap(await loader.classifier.load('tiny-1'));
    await model.classify(texts, never);
    expect((await model.classify(texts, never)).ok).toBe(true);
    expect(workers[1]!.loads[0]!.device).toBe('wasm');
  });

  it('is replaced when it goes silent, and a larger model gets more time before that', async () => {
    for (const [parameters, patience] of [
      [1_000, 1],
      [300_000_000, 3],
      [9_000_000_000, 10],
    ] as const) {
      const { clock, loader, workers } = world([{ before: hang }], {}, parameters);
      const model = unwrap(await loader.embedding.load('tiny-1'));
      const embedding = model.embed(texts, never);
      await clock.advance(PASS_TIMEOUT_MS * patience - 1);
      expect(workers[0]!.terminated).toBe(false);
      await clock.advance(1);
      expect(await embedding).toMatchObject({ error: { code: 'engine_timeout' } });
      expect(workers[0]!.terminated).toBe(true);
      expect((await model.embed(texts, never)).ok).toBe(true);
      expect(clock.waiting).toBe(0);
    }
  });
});
