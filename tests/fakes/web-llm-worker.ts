import { readFileSync } from 'node:fs';
import type { ModelWorkerHandle } from '#adapters/engine-worker/model-worker-handle';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap, type Failure } from '#core/base/result';
import type { GeneratedToken, GenerateRequest, LanguageModel, LoadProgress } from '#core/engines/language-model';
import type { ModelSource, WorkerLoadRequest } from '#core/engines/worker-protocol';
import { createTokenizer } from '#workers/web-llm/tokenizer';
import { createWebLlmWorker, type WebLlmWorkerOptions } from '#workers/web-llm/web-llm-worker';
import { createVirtualClock } from './virtual-clock';
import { createStandInWebLlm, type StandInFaults } from './web-llm';
import { toyModel } from './web-llm-model';

const spark = (file: string): string =>
  readFileSync(new URL(`../../static/models/spark/${file}`, import.meta.url), 'utf8');
export const tokenizerFiles = [spark('tokenizer.json'), spark('tokenizer_config.json')] as const;
export const toySource = toyModel(...tokenizerFiles);
const tokenizer = createTokenizer(JSON.parse(tokenizerFiles[0]) as object, JSON.parse(tokenizerFiles[1]) as object);

export type ToyFaults = StandInFaults & Pick<WebLlmWorkerOptions, 'checkpointTokens'>;

/** A worker over the stand-in, in this thread. */
export function startToyWorker(faults?: ToyFaults) {
  const standIn = createStandInWebLlm(tokenizer.decode, faults);
  let tellBroken: (failure: Failure) => void = () => {};
  const broken = new Promise<Failure>((resolve) => (tellBroken = resolve));
  const state = { nowMs: 0 };
  const worker = createWebLlmWorker({
    loadModule: async () => standIn.module,
    scope: standIn.scope,
    breakDown: ({ message }) => tellBroken({ code: 'engine_failed', message }),
    nowMs: () => state.nowMs,
    ...(faults?.checkpointTokens === undefined ? {} : { checkpointTokens: faults.checkpointTokens }),
  });
  const handle: ModelWorkerHandle = { worker, broken, terminate: () => {} };
  return { standIn, handle, worker, state };
}

/** A supervised model over such workers, which are kept in order. */
export async function loadToyModel(faults: ToyFaults = {}, source: ModelSource = toySource) {
  const workers: ReturnType<typeof startToyWorker>[] = [];
  const progress: LoadProgress[] = [];
  const model = await loadSupervisedModel({
    modelId: 'toy-1',
    source,
    clock: createVirtualClock(),
    spawn() {
      workers.push(startToyWorker(faults));
      return workers.at(-1)!.handle;
    },
    onProgress: (step) => progress.push(step),
    onGone: () => {},
  });
  return { model, workers, progress };
}

/** The worker itself, loaded, without anyone above it. */
export async function loadToyWorker(
  request: Partial<WorkerLoadRequest> = {},
  faults: ToyFaults = {},
  onPort: (port: MessagePort) => void = () => {},
) {
  const started = startToyWorker(faults);
  const { port1, port2 } = new MessageChannel();
  onPort(port1);
  const loaded = await started.worker.load({ modelId: 'toy-1', source: toySource, device: 'auto', ...request }, port2);
  port1.close();
  return { ...started, loaded };
}

export const promptOf = async (model: LanguageModel, text = 'what is a node') =>
  unwrap(await model.encodePrompt([{ role: 'user', text }]));
/** One generation with its tokens as they come. */
export function runModel(model: LanguageModel, request: Partial<GenerateRequest> & Pick<GenerateRequest, 'promptIds'>) {
  const tokens: GeneratedToken[] = [];
  const controller = new AbortController();
  const done = model.generate({ prefixIds: [], maxTokens: 99, signal: controller.signal, ...request }, (token) =>
    tokens.push(token),
  );
  return { tokens, done, abort: () => controller.abort() };
}
