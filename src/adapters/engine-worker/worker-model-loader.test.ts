import { describe, expect, it } from 'vitest';
import { createScriptedModel } from '#adapters/engine-scripted';
import { fail, ok, unwrap } from '#core/base/result';
import type { LanguageModel, LoadProgress } from '#core/engines/language-model';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { ModelSource } from '#core/engines/worker-protocol';
import { languageModelCases } from '#tests/conformance/language-model';
import { createFakeModelWorker, type FakeModelWorker, type FakeModelWorkerFaults } from '#tests/fakes/model-worker';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { CANCEL_TIMEOUT_MS, MAX_CONTINUATIONS, NEXT_TOKEN_TIMEOUT_MS } from './supervised-model';
import { LOAD_SILENCE_MS, MAX_RESTARTS, PASS_TIMEOUT_MS, RESTART_WINDOW_MS } from './supervised-worker';
import { createWorkerModelLoader, type WorkerModelLoaderOptions } from './worker-model-loader';

const answers = {
  'What is a node?':
    'A node is a running tab with a key of its own; it can offer what it has, ask others and check them.',
  'Was ist das?': 'Ein Gerät – größer als nötig – das mit „Schlüsseln“ für jede Tür öffnet und sonst gar nichts tut.',
};
const baseUrl = 'https://mesh.test/';

const manifest: ModelManifest = {
  id: 'large-9',
  name: 'Large',
  family: 'large',
  version: '1',
  engine: 'transformers',
  tasks: ['chat'],
  parameters: 1_000,
  quantisation: 'fp32',
  source: { kind: 'app', folder: 'models/large' },
  files: [{ path: 'onnx/model.onnx', sha256: 'ab'.repeat(32), sizeBytes: 1 }],
  licence: { name: 'MIT' },
  memoryBytes: 1,
  features: [],
  contextTokens: 64,
  chatTemplate: 'none',
  temperaturePercent: 0,
};

/** A loader whose workers are fakes; the n-th worker started gets the n-th entry of `faults`. */
function world(
  faults: readonly FakeModelWorkerFaults[] = [],
  models: readonly LanguageModel[] = [],
  more: Partial<WorkerModelLoaderOptions> = {},
) {
  const clock = createVirtualClock();
  const workers: FakeModelWorker[] = [];
  const engines: string[] = [];
  const loader = createWorkerModelLoader({
    clock,
    baseUrl,
    ...more,
    spawn(engine) {
      engines.push(engine);
      const worker = createFakeModelWorker(
        models[workers.length] ?? createScriptedModel({ answers }),
        faults[workers.length],
      );
      workers.push(worker);
      return worker;
    },
  });
  return { clock, loader, workers, engines };
}

const promptOf = async (model: LanguageModel) =>
  unwrap(await model.encodePrompt([{ role: 'user', text: 'What is a node?' }]));
const request = (promptIds: readonly number[], signal = new AbortController().signal) => ({
  promptIds,
  prefixIds: [],
  maxTokens: 99,
  signal,
});
const hang = () => new Promise<never>(() => {});

describe('a model in a worker keeps what language models promise', () => {
  const subject = {
    model: async () => unwrap(await world().loader.load('spark-1')),
    question: 'What is a node?',
    otherQuestion: 'Was ist das?',
  };
  for (const { name, run } of languageModelCases) it(name, () => run(subject));
});

describe('loading a model', () => {
  it('starts one worker for everyone who asks, and tells all of them how far it is', async () => {
    const { loader, workers } = world();
    const steps: LoadProgress[] = [];
    const [a, b] = await Promise.all([
      loader.load('spark-1', (step) => steps.push(step)),
      loader.load('spark-1', (step) => steps.push(step)),
    ]);
    expect(unwrap(a)).toBe(unwrap(b));
    expect(unwrap(await loader.load('spark-1'))).toBe(unwrap(a));
    expect(workers).toHaveLength(1);
    expect(workers[0]!.loads).toEqual([
      { modelId: 'spark-1', source: { kind: 'folder', url: 'https://mesh.test/models/spark/' }, device: 'auto' },
    ]);
    expect(steps.length).toBeGreaterThanOrEqual(2);
  });

  it('starts nothing before it is asked, and nothing for a model that it does not know', async () => {
    const { loader, workers } = world();
    expect(loader.available).toEqual(['spark-1']);
    for (const id of ['large-9', 'toString', '__proto__'])
      expect(await loader.load(id)).toMatchObject({ error: { code: 'unknown_model' } });
    expect(workers).toHaveLength(0);
  });

  it('finds every model but the built-in ones where the node says, and runs it on its own engine', async () => {
    const asked: string[] = [];
    const stored: ModelSource = { kind: 'stored', manifest: { ...manifest, engine: 'web-llm' }, blobByPath: {} };
    const { loader, workers, engines } = world([], [], {
      stored: () => ['large-9'],
      async sourceOf(modelId) {
        asked.push(modelId);
        return modelId === 'large-9'
          ? ok({ source: stored, engine: 'web-llm' })
          : fail('not_stored', 'It is not on this device yet.');
      },
    });
    expect(loader.available).toEqual(['spark-1', 'large-9']);
    const [a, b] = await Promise.all([loader.load('large-9'), loader.load('large-9')]);
    expect(unwrap(a)).toBe(unwrap(b));
    expect((await loader.load('spark-1')).ok).toBe(true);
    expect(await loader.load('other-2')).toMatchObject({ error: { code: 'not_stored' } });
    expect(asked).toEqual(['large-9', 'other-2']);
    expect(engines).toEqual(['web-llm', 'transformers']);
    expect(workers.map(({ loads }) => loads[0]!.source.kind)).toEqual(['stored', 'folder']);
  });

  it('passes on why it failed and tries anew when asked again', async () => {
    const { loader, workers } = world([{ load: async () => fail('offline', 'No connection.') }]);
    expect(await loader.load('spark-1')).toMatchObject({ error: { code: 'offline' } });
    expect(workers[0]!.terminated).toBe(true);
    expect((await loader.load('spark-1')).ok).toBe(true);
  });

  it('falls back to WebAssembly when the runtime breaks', async () => {
    const { loader, workers } = world([{ load: () => Promise.reject(new Error('no GPU')) }]);
    expect((await loader.load('spark-1')).ok).toBe(true);
    expect(workers.map((worker) => worker.loads[0]!.device)).toEqual(['auto', 'wasm']);
    expect(workers[0]!.terminated).toBe(true);
  });

  it('gives up on a worker that says nothing', async () => {
    const { clock, loader, workers } = world([{ load: hang }, { load: async () => fail('load_failed', 'No.') }]);
    const loading = loader.load('spark-1');
    await clock.runUntil(loading, LOAD_SILENCE_MS * 3);
    expect(await loading).toMatchObject({ ok: false, error: { code: 'load_failed' } });
    expect(workers[0]!.terminated).toBe(true);
  });

  it('loads anew after it was disposed', async () => {
    const { loader, workers } = world();
    const first = unwrap(await loader.load('spark-1'));
    await first.dispose();
    expect(workers[0]!.terminated).toBe(true);
    const second = unwrap(await loader.load('spark-1'));
    expect(second).not.toBe(first);
    expect((await second.decode([])).ok).toBe(true);
  });
});

describe('a worker that breaks', () => {
  it('is replaced before the next call', async () => {
    const { loader, workers } = world([{ score: () => Promise.reject(new Error('bad node')) }]);
    const model = unwrap(await loader.load('spark-1'));
    const promptIds = await promptOf(model);
    expect(await model.score(promptIds, [0])).toMatchObject({ error: { code: 'engine_failed' } });
    expect(workers[0]!.terminated).toBe(true);
    expect(workers).toHaveLength(1);
    expect((await model.score(promptIds, [0])).ok).toBe(true);
    expect(workers).toHaveLength(2);
  });

  it('ends no answer that may be kept: another goes on after the last token, and tells none twice', async () => {
    for (const fault of ['breaks', 'falls silent'] as const) {
      const { clock, loader, workers } = world(fault === 'breaks' ? [] : [{ hangAfterTokens: 3 }]);
      const model = unwrap(await loader.load('spark-1'));
      const promptIds = await promptOf(model);
      const texts: string[] = [];
      let tellThree: () => void = () => {};
      const three = new Promise<void>((resolve) => (tellThree = resolve));
      const run = model.generate({ ...request(promptIds), keptAs: 'job-1' }, ({ text }) => {
        if (texts.push(text) === 3) tellThree();
      });
      await three;
      if (fault === 'breaks') workers[0]!.crash('out of memory');
      else await clock.advance(NEXT_TOKEN_TIMEOUT_MS);
      const { ids, finish } = unwrap(await run);
      expect(finish).toBe('stop');
      expect(texts).toHaveLength(ids.length);
      expect(texts.join('')).toBe(answers['What is a node?']);
      expect(unwrap(await model.decode(ids))).toBe(answers['What is a node?']);
      expect(workers).toHaveLength(2);
    }
  });

  it('does not go on with a kept answer for ever, nor with one that was stopped', async () => {
    const often = world();
    const model = unwrap(await often.loader.load('spark-1'));
    let told = 0;
    const run = model.generate({ ...request(await promptOf(model)), keptAs: 'job-1' }, () => {
      told++;
      often.workers.at(-1)!.crash('out of memory');
    });
    expect(await run).toMatchObject({ error: { code: 'engine_failed' } });
    expect(told).toBe(1 + MAX_CONTINUATIONS);
    expect(often.workers).toHaveLength(1 + MAX_CONTINUATIONS);

    const { loader, workers } = world();
    const other = unwrap(await loader.load('spark-1'));
    const controller = new AbortController();
    const stopped = other.generate({ ...request(await promptOf(other), controller.signal), keptAs: 'job-1' }, () => {
      controller.abort();
      workers[0]!.crash('out of memory');
    });
    expect(unwrap(await stopped)).toMatchObject({ finish: 'cancelled' });
    expect(workers).toHaveLength(1);
  });

  it('fails the answer that it was giving, at once', async () => {
    const { loader, workers } = world();
    const model = unwrap(await loader.load('spark-1'));
    const run = model.generate(request(await promptOf(model)), () => workers[0]!.crash('out of memory'));
    expect(await run).toMatchObject({ ok: false, error: { code: 'engine_failed' } });
    expect((await model.generate(request(await promptOf(model)), () => {})).ok).toBe(true);
  });

  it('is not replaced for ever', async () => {
    const broken: FakeModelWorkerFaults = { score: () => Promise.reject(new Error('bad node')) };
    const { clock, loader, workers } = world(new Array<FakeModelWorkerFaults>(20).fill(broken));
    const model = unwrap(await loader.load('spark-1'));
    const codes: string[] = [];
    for (let call = 0; call < MAX_RESTARTS + 3; call++) {
      const result = await model.score([1], [0]);
      codes.push(result.ok ? 'ok' : result.error.code);
    }
    expect(codes).toEqual([...new Array<string>(MAX_RESTARTS + 1).fill('engine_failed'), 'engine_gone', 'engine_gone']);
    expect(workers).toHaveLength(1 + MAX_RESTARTS);
    await clock.advance(RESTART_WINDOW_MS);
    expect(await model.score([1], [0])).toMatchObject({ error: { code: 'engine_gone' } });
    expect((await loader.load('spark-1')).ok).toBe(true);
  });

  it('is replaced as often as it takes when that is seldom', async () => {
    const broken: FakeModelWorkerFaults = { score: () => Promise.reject(new Error('bad node')) };
    const { clock, loader } = world(new Array<FakeModelWorkerFaults>(20).fill(broken));
    const model = unwrap(await loader.load('spark-1'));
    for (let call = 0; call < MAX_RESTARTS * 3; call++) {
      expect(await model.score([1], [0])).toMatchObject({ error: { code: 'engine_failed' } });
      await clock.advance(RESTART_WINDOW_MS / MAX_RESTARTS);
    }
  });

  it('comes back on WebAssembly when it broke on a GPU', async () => {
    const { loader, workers } = world([
      { engine: 'transformers/webgpu', score: () => Promise.reject(new Error('device lost')) },
      { engine: 'transformers/wasm' },
    ]);
    const model = unwrap(await loader.load('spark-1'));
    expect(model.identity.engine).toBe('transformers/webgpu');
    await model.score([1], [0]);
    expect((await model.score([1], [0])).ok).toBe(true);
    expect(workers[1]!.loads[0]!.device).toBe('wasm');
    expect(model.identity.engine).toBe('transformers/wasm');
  });

  it('is not replaced by another model under the same name', async () => {
    const other = createScriptedModel({ answers: { a: 'b' } });
    const { loader } = world(
      [{ score: () => Promise.reject(new Error('bad node')) }],
      [createScriptedModel({ answers }), other, other],
    );
    const model = unwrap(await loader.load('spark-1'));
    await model.score([1], [0]);
    expect(await model.score([1], [0])).toMatchObject({ error: { code: 'engine_gone' } });
    expect(unwrap(await loader.load('spark-1')).identity.hash).toBe(other.identity.hash);
  });
});

describe('a worker that goes silent', () => {
  it('is timed out and replaced when a pass hangs', async () => {
    const { clock, loader, workers } = world([{ score: hang }]);
    const model = unwrap(await loader.load('spark-1'));
    const scoring = model.score([1], [0]);
    await clock.advance(PASS_TIMEOUT_MS);
    expect(await scoring).toMatchObject({ error: { code: 'engine_timeout' } });
    expect(workers[0]!.terminated).toBe(true);
    expect((await model.score([1], [0])).ok).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('is timed out when tokens stop coming', async () => {
    const { clock, loader } = world([{ hangAfterTokens: 2 }]);
    const model = unwrap(await loader.load('spark-1'));
    let tokens = 0;
    let tellTwo: () => void = () => {};
    const two = new Promise<void>((resolve) => (tellTwo = resolve));
    const run = model.generate(request(await promptOf(model)), () => ++tokens === 2 && tellTwo());
    await two;
    await clock.advance(NEXT_TOKEN_TIMEOUT_MS);
    expect(await run).toMatchObject({ error: { code: 'engine_timeout' } });
    expect((await model.generate(request(await promptOf(model)), () => {})).ok).toBe(true);
  });

  it('does not keep a cancelled run', async () => {
    const { clock, loader, workers } = world([{ hangAfterTokens: 2 }]);
    const model = unwrap(await loader.load('spark-1'));
    const controller = new AbortController();
    let tokens = 0;
    let tellTwo: () => void = () => {};
    const two = new Promise<void>((resolve) => (tellTwo = resolve));
    const run = model.generate(request(await promptOf(model), controller.signal), () => ++tokens === 2 && tellTwo());
    await two;
    controller.abort();
    await clock.advance(CANCEL_TIMEOUT_MS);
    expect(await run).toMatchObject({ ok: true, value: { finish: 'cancelled' } });
    expect(workers[0]!.terminated).toBe(true);
  });

  it('fails the other calls that it had, too', async () => {
    const { clock, loader } = world([{ score: hang, hangAfterTokens: 0 }]);
    const model = unwrap(await loader.load('spark-1'));
    const run = model.generate(request(await promptOf(model)), () => {});
    await clock.advance(PASS_TIMEOUT_MS / 2);
    const scoring = model.score([1], [0]);
    await clock.advance(PASS_TIMEOUT_MS / 2);
    expect(await run).toMatchObject({ error: { code: 'engine_timeout' } });
    expect(await scoring).toMatchObject({ ok: false, error: { code: 'engine_timeout' } });
  });
});

describe('what a call leaves behind', () => {
  it('is no timer', async () => {
    const { clock, loader } = world();
    const model = unwrap(await loader.load('spark-1'));
    await model.generate(request(await promptOf(model)), () => {});
    await model.score([1], [0]);
    expect(clock.waiting).toBe(0);
    await model.dispose();
    expect(clock.waiting).toBe(0);
  });
});
