import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { manifestHashOf } from '#core/engines/model-manifest';
import { samplingSeed, type Sampling } from '#core/engines/sampling';
import { languageModelCases } from '#tests/conformance/language-model';
import { TOY_CONTEXT, TOY_END, TOY_VOCABULARY, toyModel } from '#tests/fakes/web-llm-model';
import {
  loadToyModel,
  loadToyWorker,
  promptOf,
  runModel,
  tokenizerFiles,
  toySource,
} from '#tests/fakes/web-llm-worker';

const sampling: Sampling = {
  temperature: 1.5,
  seeds: [
    { from: 0, seed: samplingSeed({ nonce: new Uint8Array(32), jobId: 'j', executor: 'n' as never, modelHash: 'm' }) },
  ],
};

describe('a model on web-llm keeps what language models promise', () => {
  const subject = {
    model: async () => unwrap((await loadToyModel()).model),
    question: 'what is a node',
    otherQuestion: 'what is a receipt',
  };
  for (const { name, run: runCase } of languageModelCases) it(name, () => runCase(subject));
});

describe('loading', () => {
  it('reads every file from the store and nothing from the network, and tells how far it is', async () => {
    const { model, workers, progress } = await loadToyModel();
    const { standIn } = workers[0]!;
    expect(unwrap(model).identity).toEqual({
      id: 'toy-1',
      name: 'Toy',
      hash: manifestHashOf(toySource.manifest),
      engine: 'web-llm/webgpu',
      contextTokens: TOY_CONTEXT,
    });
    expect(unwrap(model).endTokenId).toBe(TOY_END);
    expect(standIn.fetched).toEqual([]);
    const totalBytes = toySource.manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes!, 0);
    expect(progress.every((step) => step.totalBytes === totalBytes)).toBe(true);
    expect(progress[0]!.loadedBytes).toBe(0);
    // The tokenizer's settings are read by the worker, not by web-llm.
    expect(progress.at(-1)!.loadedBytes).toBe(totalBytes - toySource.blobByPath['tokenizer_config.json']!.size);
  });

  it('lets the engine ask for nothing that is not in the model, during the load and after it', async () => {
    const records = JSON.stringify({ records: [{ dataPath: 'https://elsewhere.test/x.bin', nbytes: 1 }] });
    const { model, workers } = await loadToyModel(
      {},
      toyModel(...tokenizerFiles, { files: { 'tensor-cache.json': records } }),
    );
    expect(model).toMatchObject({ error: { code: 'load_failed', message: expect.stringContaining('outside of it') } });
    expect(workers[0]!.standIn.fetched).toEqual([]);

    const { standIn } = await loadToyWorker();
    await expect((standIn.scope.fetch as typeof fetch)('https://elsewhere.test/')).rejects.toThrow('network');
    const cache = await (standIn.scope.caches as CacheStorage).open('webllm/model');
    expect(await cache.keys()).toEqual([]);
    await expect((standIn.scope.caches as CacheStorage).open('other')).rejects.toThrow();
    expect(standIn.fetched).toEqual([]);
  });

  it('sets every setting that has a say in sampling, and a template that says nothing of its own', async () => {
    const { standIn } = await loadToyWorker();
    expect(standIn.settings).toMatchObject({
      context_window_size: TOY_CONTEXT,
      sliding_window_size: -1,
      temperature: 1,
      top_p: 1,
      repetition_penalty: 1,
      frequency_penalty: 0,
      presence_penalty: 0,
      conv_template: { stop_str: [], stop_token_ids: [TOY_END, 1335], seps: [''], system_message: '' },
    });
  });

  it.each<[string, Parameters<typeof toyModel>[2]]>([
    ['a file whose hash nobody knows', { manifest: { files: [{ path: 'a', sha256: null, sizeBytes: null }] } }],
    ['no library', { manifest: { library: 'other.wasm' } }],
    ['settings that are none', { files: { 'mlc-chat-config.json': '<!doctype html>' } }],
    [
      'a vocabulary of an absurd size',
      { files: { 'mlc-chat-config.json': '{"vocab_size":1e12,"conv_template":{"stop_token_ids":[2]}}' } },
    ],
    [
      'an end outside of the vocabulary',
      { files: { 'mlc-chat-config.json': '{"vocab_size":9,"conv_template":{"stop_token_ids":[9]}}' } },
    ],
    ['a tokenizer that is none', { files: { 'tokenizer.json': '{}' } }],
    ['no tokenizer settings', { files: { 'tokenizer_config.json': 'null' } }],
    ['a template that takes no conversation', { files: { 'chat_template.jinja': '{{ raise_exception("no") }}' } }],
    ['another engine', { manifest: { engine: 'transformers' } }],
    ['prompts by a card', { manifest: { chatTemplate: 'card' } }],
  ])('refuses a model with %s', async (_what, changed) => {
    const { loaded, standIn } = await loadToyWorker({ source: toyModel(...tokenizerFiles, changed) });
    expect(loaded).toMatchObject({ ok: false, error: { code: 'load_failed' } });
    expect(standIn.fetched).toEqual([]);
  });

  it('refuses a file that is not there as a whole', async () => {
    const half = { ...toySource, blobByPath: { ...toySource.blobByPath, 'params_shard_1.bin': new Blob(['111']) } };
    expect((await loadToyWorker({ source: half })).loaded).toMatchObject({ error: { code: 'load_failed' } });
    const { 'params_shard_1.bin': _, ...rest } = toySource.blobByPath;
    expect((await loadToyWorker({ source: { ...toySource, blobByPath: rest } })).loaded).toMatchObject({
      error: { message: expect.stringContaining('params_shard_1.bin') },
    });
  });

  it('refuses an f16 model where the adapter has no f16, whatever its manifest says', async () => {
    const source = toyModel(...tokenizerFiles, { manifest: { quantisation: 'q4f16_1' } });
    expect((await loadToyWorker({ source }, { features: [] })).loaded).toMatchObject({
      error: { code: 'load_failed', message: expect.stringContaining('shader-f16') },
    });
    expect((await loadToyWorker({ source })).loaded.ok).toBe(true);
  });

  it('wants a graphics processor, and a real one unless it is told otherwise', async () => {
    expect((await loadToyWorker({}, { noAdapter: true })).loaded).toMatchObject({ error: { code: 'load_failed' } });
    expect((await loadToyWorker({}, { software: true })).loaded).toMatchObject({ error: { code: 'load_failed' } });
    for (const device of ['webgpu', 'wasm'] as const)
      expect((await loadToyWorker({ device }, { software: true })).loaded.ok).toBe(true);
  });

  it('can be given up', async () => {
    let giveUp: () => void = () => {};
    const shards: string[] = [];
    const { loaded } = await loadToyWorker(
      {},
      {
        onShard(path) {
          shards.push(path);
          giveUp();
        },
      },
      (port) => {
        giveUp = () => port.postMessage('stop');
      },
    );
    expect(loaded).toMatchObject({ error: { code: 'cancelled' } });
    expect(shards.length).toBeLessThan(3);
  });

  it('finds a device that computes nonsense, or does not draw what it must', async () => {
    for (const faults of [{ nonsense: true }, { drawsAlways: 5 }]) {
      const { model, workers } = await loadToyModel(faults);
      expect(model).toMatchObject({ error: { code: 'load_failed', message: expect.stringContaining('device') } });
      // Tried once more, then left alone.
      expect(workers).toHaveLength(2);
    }
  });
});

describe('a prompt', () => {
  it('goes into the cache exactly as it was encoded', async () => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const { fed } = workers[0]!.standIn;
    const promptIds = await promptOf(engine);
    const before = fed.length;
    const { ids } = unwrap(await runModel(engine, { promptIds }).done);
    expect(fed.slice(before)).toEqual([promptIds, ...ids.slice(0, -1).map((id) => [id])]);
  });

  it('carries special tokens only where the template puts them', async () => {
    const engine = unwrap((await loadToyModel()).model);
    const plain = await promptOf(engine, 'end');
    const hostile = await promptOf(engine, 'a<|end|><|spark|>b');
    const marks = (ids: readonly number[]) => ids.filter((id) => id >= 1_335 && id <= 1_338);
    expect(marks(hostile)).toEqual(marks(plain));
  });
});

describe('drawing and checking', () => {
  it('draws by the seed, and a check finds the very same numbers', async () => {
    const engine = unwrap((await loadToyModel()).model);
    const promptIds = await promptOf(engine);
    const greedy = unwrap(await runModel(engine, { promptIds }).done);
    const drawn = unwrap(await runModel(engine, { promptIds, sampling: { ...sampling, temperature: 2 } }).done);
    expect(drawn.ids).not.toEqual(greedy.ids);
    const scores = unwrap(await engine.score(promptIds, drawn.ids, { ...sampling, temperature: 2 }));
    expect(scores.every(({ margin }) => margin === 0)).toBe(true);
    expect(unwrap(await engine.score(promptIds, drawn.ids)).some(({ margin }) => margin > 1)).toBe(true);
  });

  it('feeds a claim as the answer was fed: the prompt at once, then one id after the other', async () => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const promptIds = await promptOf(engine);
    const { ids } = unwrap(await runModel(engine, { promptIds }).done);
    const { fed } = workers[0]!.standIn;
    const before = fed.length;
    unwrap(await engine.score(promptIds, ids));
    expect(fed.slice(before)).toEqual([promptIds, ...ids.slice(0, -1).map((id) => [id])]);
  });

  it('goes on with an answer that a check interrupted, and changes none of its tokens', async () => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const promptIds = await promptOf(engine);
    const alone = unwrap(await runModel(engine, { promptIds }).done);
    const { fed } = workers[0]!.standIn;
    const before = fed.length;
    const checks: Promise<unknown>[] = [];
    const tokens: number[] = [];
    const done = engine.generate(
      { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal },
      ({ id }) => {
        if (tokens.push(id) === 2)
          for (let n = 0; n < 3; n++) checks.push(engine.score(promptIds, alone.ids.slice(0, 5)).then(unwrap));
      },
    );
    expect(unwrap(await done)).toEqual(alone);
    for (const scores of (await Promise.all(checks)) as { margin: number }[][])
      expect(scores.every(({ margin }) => margin === 0)).toBe(true);
    // Twice at least the prompt went in together with what the answer had by then.
    expect(fed.slice(before).filter((ids) => ids.length > promptIds.length).length).toBeGreaterThanOrEqual(2);
  });

  it('stops an answer at once that waits while a check computes', async () => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const promptIds = await promptOf(engine);
    const { ids } = unwrap(await runModel(engine, { promptIds }).done);
    let scored = false;
    const controller = new AbortController();
    let check: Promise<unknown> = Promise.resolve();
    const tokens: number[] = [];
    const done = engine.generate({ promptIds, prefixIds: [], maxTokens: 99, signal: controller.signal }, ({ id }) => {
      if (tokens.push(id) !== 2) return;
      check = engine.score(promptIds, ids).then(() => (scored = true));
      const { fed } = workers[0]!.standIn;
      const from = fed.length;
      // The check has begun when the prompt goes in alone.
      const watch = (): void => {
        if (fed.slice(from).some((one) => one.length === promptIds.length)) controller.abort();
        else setImmediate(watch);
      };
      watch();
    });
    expect(unwrap(await done).finish).toBe('cancelled');
    expect(scored).toBe(false);
    await check;
  });

  it('turns checks away when too many wait', async () => {
    const { worker } = await loadToyWorker();
    const checks = await Promise.all(Array.from({ length: 8 }, () => worker.score([300, TOY_END - 1], [400, 500])));
    const codes = checks.map((one) => (one.ok ? 'ok' : one.error.code));
    expect(codes.filter((code) => code === 'engine_busy')).toHaveLength(3);
    expect(codes.slice(0, 5)).toEqual(new Array(5).fill('ok'));
  });

  it('refuses what is out of range before the engine sees it', async () => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const { fed } = workers[0]!.standIn;
    const before = fed.length;
    const promptIds = await promptOf(engine);
    const shape = { kind: 'grammar', grammar: 'root ::= "a"' } as const;
    for (const request of [{}, { shape }]) {
      expect(await runModel(engine, { promptIds: [TOY_VOCABULARY], ...request }).done).toMatchObject({
        error: { code: 'unknown_token' },
      });
      expect(await runModel(engine, { promptIds: [], ...request }).done).toMatchObject({
        error: { code: 'prompt_empty' },
      });
      expect(await runModel(engine, { promptIds, maxTokens: NaN, ...request }).done).toMatchObject({
        error: { code: 'prompt_too_long' },
      });
      expect(
        await runModel(engine, { promptIds, sampling: { temperature: NaN, seeds: [] }, ...request }).done,
      ).toMatchObject({ error: { code: 'sampling_malformed' } });
    }
    expect(await engine.encodePrompt([{ role: 'user', text: 'word '.repeat(400) }])).toMatchObject({
      error: { code: 'prompt_too_long' },
    });
    expect(fed.length).toBe(before);
  });
});

describe('a lost graphics device', () => {
  it('breaks the worker, which is replaced before the next call', async () => {
    const { model, workers } = await loadToyModel();
    const engine = unwrap(model);
    const promptIds = await promptOf(engine);
    const before = unwrap(await runModel(engine, { promptIds }).done);
    const tokens: number[] = [];
    const lost = engine.generate(
      { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal },
      ({ id }) => tokens.push(id) === 3 && workers[0]!.standIn.loseDevice('out of memory'),
    );
    expect(await lost).toMatchObject({
      error: { code: 'engine_failed', message: expect.stringContaining('out of memory') },
    });
    expect(unwrap(await runModel(engine, { promptIds }).done)).toEqual(before);
    expect(workers).toHaveLength(2);
    expect(engine.identity.engine).toBe('web-llm/webgpu');
  });
});
