import { createSystemClock } from '#adapters/clock-system/system-clock';
import type { ModelWorkerHandle } from '#adapters/engine-worker/model-worker-handle';
import { spawnEncoderWorker, spawnModelWorker } from '#adapters/engine-worker/spawn-model-worker';
import {
  loadSupervisedClassifier,
  loadSupervisedEmbedding,
  loadSupervisedRerank,
} from '#adapters/engine-worker/supervised-encoders';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap } from '#core/base/result';
import type { LanguageModel, ScoredPosition } from '#core/engines/language-model';
import { samplingSeed, type Sampling } from '#core/engines/sampling';
import { languageModelCases } from '#tests/conformance/language-model';
import { variedModelCases } from '#tests/conformance/language-model-sampled';
import { storedSource } from './engine.sources';

const clock = createSystemClock();
const never = new AbortController().signal;
const common = { clock, onProgress: () => {}, onGone: () => {} };

type Device = 'wasm' | 'webgpu';

/** A model of this repository, with what it is asked. */
export interface SubjectModel {
  readonly folder: string;
  readonly question: string;
  readonly other: string;
}

declare global {
  interface Window {
    /** Kills the browser's graphics process; the spec offers it. */
    crashGraphics(): Promise<void>;
  }
}

/** A model in a folder, and the worker that it began with. */
async function load(folder: string, device: Device) {
  const handles: ModelWorkerHandle[] = [];
  const model = unwrap(
    await loadSupervisedModel({
      ...common,
      modelId: 'under-test',
      source: { kind: 'folder', url: `${location.origin}${folder}` },
      device,
      spawn() {
        const handle = spawnModelWorker();
        handles.push(handle);
        return handle;
      },
    }),
  );
  return { model, handles };
}

const promptOf = async (model: LanguageModel, text: string): Promise<readonly number[]> =>
  unwrap(await model.encodePrompt([{ role: 'user', text }]));

async function answer(
  model: LanguageModel,
  promptIds: readonly number[],
  maxTokens: number,
  sampling: Sampling,
): Promise<readonly number[]> {
  const request = { promptIds, prefixIds: [], maxTokens, sampling, signal: never };
  return unwrap(await model.generate(request, () => {})).ids;
}

/** Sampling of the n-th answer. */
const drawn = (model: LanguageModel, index: number): Sampling => ({
  temperature: 1,
  seeds: [
    {
      from: 0,
      seed: samplingSeed({
        nonce: new Uint8Array(32).fill(index),
        jobId: `cross-${index}`,
        executor: 'cd'.repeat(32),
        modelHash: model.identity.hash,
      }),
    },
  ],
});

const outcome = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

const harness = {
  /** The named cases over one model: each load compiles its kernels anew. What disposes the model comes last. */
  async runCases({ folder, question, other: otherQuestion }: SubjectModel, device: Device, names: readonly string[]) {
    const { model } = await load(folder, device);
    const { engine } = model.identity;
    const shared: LanguageModel = { ...model, dispose: async () => {} };
    const failures: string[] = [];
    const cases = [...languageModelCases, ...variedModelCases].filter(({ name }) => names.includes(name));
    const disposes = (name: string): boolean => name.startsWith('after dispose');
    for (const { name, run } of cases.sort((a, b) => Number(disposes(a.name)) - Number(disposes(b.name)))) {
      const subject = { model: async () => (disposes(name) ? model : shared), question, otherQuestion };
      await run(subject).catch((error: unknown) => void failures.push(`${name}: ${outcome(error)}`));
    }
    await model.dispose();
    return { engine, ran: cases.length, failures };
  },

  /**
   * Beginnings of answers drawn on either backend, each scored on the other: the worst margin, how many are above 0, how
   * many of the answers differ at all, by how much the log-probability of a token differs at most, and the worst margin on
   * the backend that drew.
   */
  async crossScores({ folder, question }: SubjectModel, answers: number, maxTokens: number) {
    const models = { wasm: (await load(folder, 'wasm')).model, webgpu: (await load(folder, 'webgpu')).model };
    const margins: number[] = [];
    let differing = 0;
    let furthest = 0;
    let ownWorst = 0;
    let tokens = 0;
    const promptIds = await promptOf(models.wasm, question);
    for (let index = 0; index < answers; index++) {
      const sampling = drawn(models.wasm, index);
      const drawnIds = [];
      for (const [own, other] of [
        ['wasm', 'webgpu'],
        ['webgpu', 'wasm'],
      ] as const) {
        const ids = await answer(models[own], promptIds, maxTokens, sampling);
        drawnIds.push(ids);
        tokens += ids.length;
        const scores: readonly ScoredPosition[] = unwrap(await models[other].score(promptIds, ids, sampling));
        const ownScores = unwrap(await models[own].score(promptIds, ids, sampling));
        margins.push(...scores.map(({ margin }) => margin));
        ownWorst = ownScores.reduce((worst, { margin }) => Math.max(worst, margin), ownWorst);
        for (const [at, { logProbability }] of scores.entries())
          furthest = Math.max(furthest, Math.abs(logProbability - ownScores[at]!.logProbability));
      }
      if (JSON.stringify(drawnIds[0]) !== JSON.stringify(drawnIds[1])) differing++;
    }
    const engines = [models.wasm.identity.engine, models.webgpu.identity.engine];
    await models.wasm.dispose();
    await models.webgpu.dispose();
    return {
      engines,
      tokens,
      differing,
      furthest,
      worst: Math.max(...margins),
      ownWorst,
      above: margins.filter((margin) => margin > 0).length,
    };
  },

  /** Loses the graphics device in the middle of an answer, and what is asked after that. */
  async loseDevice({ folder, question }: SubjectModel) {
    const { model, handles } = await load(folder, 'webgpu');
    const promptIds = await promptOf(model, question);
    const before = model.identity.engine;
    let tokens = 0;
    const broken = await model.generate({ promptIds, prefixIds: [], maxTokens: 480, signal: never }, () => {
      if (++tokens === 3) void window.crashGraphics();
    });
    const again = await model.generate({ promptIds, prefixIds: [], maxTokens: 480, signal: never }, () => {});
    const after = model.identity.engine;
    await model.dispose();
    return {
      engines: [before, after],
      code: broken.ok ? 'ok' : broken.error.code,
      again: again.ok ? again.value.finish : again.error.code,
      workers: handles.length,
    };
  },

  /** Loses it while nothing runs; resolves when the worker said so, with the outcome of the next call. */
  async loseIdleDevice({ folder, question }: SubjectModel) {
    const { model, handles } = await load(folder, 'webgpu');
    await window.crashGraphics();
    const why = await handles[0]!.broken;
    const prompt = await model.encodePrompt([{ role: 'user', text: question }]);
    const after = model.identity.engine;
    await model.dispose();
    return { why: why.code, next: prompt.ok ? 'ok' : prompt.error.code, after };
  },

  async encoders(asked: readonly string[], query: string, passages: readonly string[]) {
    const options = async (folder: string) => ({
      ...common,
      modelId: 'tiny',
      source: await storedSource(folder),
      device: 'webgpu' as const,
      spawn: spawnEncoderWorker,
    });
    const embedding = unwrap(await loadSupervisedEmbedding(await options('/tests/models/tiny-embed/')));
    const vectors = unwrap(await embedding.embed(asked, never)).map(({ vector }) => [...vector]);
    const rerank = unwrap(await loadSupervisedRerank(await options('/tests/models/tiny-rerank/')));
    const scores = unwrap(await rerank.rank(query, passages, never)).map(({ score }) => score);
    const classifier = unwrap(await loadSupervisedClassifier(await options('/tests/models/tiny-classify/')));
    const labels = unwrap(await classifier.classify(asked, never)).map((one) => one.labels);
    const engines = [embedding, rerank, classifier].map(({ identity }) => identity.engine);
    for (const model of [embedding, rerank, classifier]) await model.dispose();
    return { engines, vectors, scores, labels };
  },
};

export type DevicesHarness = typeof harness;
Object.assign(window, { devices: harness });
