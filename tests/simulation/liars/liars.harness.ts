import { createSystemClock } from '#adapters/clock-system/system-clock';
import { spawnModelWorker } from '#adapters/engine-worker/spawn-model-worker';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { posingAs } from '#tests/simulation/adversaries/posing-as';
import { CONDITIONS, type Condition, type Means, type ModelName } from './conditions';
import { examine, samplingOfTask } from './examine';
import { taskOf } from './questions';
import { remembering, type Remembering } from './remembering';
import type { Row } from './row';

type Device = 'wasm' | 'webgpu';

const clock = createSystemClock();
const MODEL_ID = 'loom';

/** Each is loaded once, in a worker of its own. */
const loaded = new Map<string, Promise<LanguageModel>>();
function load(name: ModelName, device: Device, use: 'executor' | 'validator'): Promise<LanguageModel> {
  const key = `${name} ${device} ${use}`;
  const known =
    loaded.get(key) ??
    loadSupervisedModel({
      clock,
      modelId: MODEL_ID,
      source: { kind: 'folder', url: `${location.origin}/tests/models/${name}/` },
      device,
      spawn: spawnModelWorker,
      onProgress: () => {},
      onGone: () => {},
    }).then(unwrap);
  loaded.set(key, known);
  return known;
}

let memory: Promise<Remembering> | null = null;
const executorMemory = (): Promise<Remembering> => (memory ??= load(MODEL_ID, 'wasm', 'executor').then(remembering));

async function meansOf({ other, webgpu }: Condition, seed: number): Promise<Means> {
  const { model: claimed } = await executorMemory();
  const gpu = webgpu === 'writes' ? await load(MODEL_ID, 'webgpu', 'executor') : null;
  return {
    claimed,
    onGpu: gpu && posingAs(claimed, { generate: (request, onToken) => gpu.generate(request, onToken) }),
    other: other === undefined ? null : await load(other, 'wasm', 'executor'),
    async answered(index) {
      const task = taskOf(seed, 'long', index);
      const promptIds = unwrap(await claimed.encodePrompt([{ role: 'user', text: task.question }]));
      const sampling = samplingOfTask(task, claimed.identity.hash);
      const request = { promptIds, prefixIds: [], maxTokens: task.maxTokens, sampling };
      const { ids, finish } = unwrap(
        await claimed.generate({ ...request, signal: new AbortController().signal }, () => {}),
      );
      return { ids, finish: finish === 'stop' ? 'stop' : 'length' };
    },
  };
}

/** The validator's model: Loom in a worker of its own, on the same backend or on the other one. */
async function validatorOf({ webgpu }: Condition): Promise<LanguageModel> {
  const own = await load(MODEL_ID, 'wasm', 'validator');
  if (webgpu !== 'scores') return own;
  const gpu = await load(MODEL_ID, 'webgpu', 'validator');
  // Numbers of different engines are never compared; here just that is to be measured, so it says it were the other.
  return posingAs(own, { score: (promptIds, outputIds, sampling) => gpu.score(promptIds, outputIds, sampling) });
}

const MARGIN_DIGITS = 1e5;

const harness = {
  /** Judges the answers of these numbers under one condition. */
  async judge(name: string, indices: readonly number[], seed: number): Promise<readonly Row[]> {
    const condition = CONDITIONS.find((one) => one.name === name)!;
    const means = await meansOf(condition, seed);
    const validating = await validatorOf(condition);
    const rows: Row[] = [];
    for (const index of indices) {
      const executing = condition.executor(means, index, seed);
      const { output, verdict, scores } = await examine(executing, validating, taskOf(seed, condition.kind, index));
      rows.push({
        condition: name,
        index,
        tokens: output.ids.length,
        verdict: verdict.verdict,
        reason: verdict.reason,
        misses:
          scores
            ?.flatMap(({ margin, rank }, at) =>
              margin > 0 ? [[at, Math.round(margin * MARGIN_DIGITS) / MARGIN_DIGITS, rank] as const] : [],
            )
            .map((miss) => [...miss]) ?? null,
        ...(executing === means.claimed
          ? { answer: { promptIds: [...output.promptIds], ids: [...output.ids], finish: output.finish } }
          : {}),
      });
    }
    return rows;
  },

  /** Honest answers of an earlier run, so that they need not be computed again. */
  async remember(rows: readonly Row[], seed: number): Promise<void> {
    const { remember, model } = await executorMemory();
    for (const { condition: name, index, answer } of rows) {
      const { kind } = CONDITIONS.find((one) => one.name === name)!;
      if (answer !== undefined)
        remember(answer.promptIds, samplingOfTask(taskOf(seed, kind, index), model.identity.hash), answer);
    }
  },

  /** What is measured: the hashes of the models, by folder. */
  async hashes(names: readonly ModelName[]): Promise<Readonly<Record<string, string>>> {
    const hashes: Record<string, string> = {};
    for (const name of names) hashes[name] = (await load(name, 'wasm', 'executor')).identity.hash;
    return hashes;
  },
};

export type LiarsHarness = typeof harness;
Object.assign(window, { liars: harness });
