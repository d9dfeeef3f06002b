import { createSystemClock } from '#adapters/clock-system/system-clock';
import type { SpawnModelWorker } from '#adapters/engine-worker/model-worker-handle';
import { spawnWebLlmWorker } from '#adapters/engine-worker/spawn-web-llm-worker';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap } from '#core/base/result';
import { languageModelCases } from '#tests/conformance/language-model';
import { toyModel } from '#tests/fakes/web-llm-model';

const clock = createSystemClock();
const spark = async (file: string): Promise<string> =>
  (await fetch(`${location.origin}/static/models/spark/${file}`)).text();

async function load(spawn: SpawnModelWorker) {
  const source = toyModel(await spark('tokenizer.json'), await spark('tokenizer_config.json'));
  // The graphics adapter of a test machine is a software one.
  const device = 'webgpu' as const;
  return loadSupervisedModel({ modelId: 'toy-1', source, device, clock, spawn, onProgress() {}, onGone() {} });
}
const spawnToy: SpawnModelWorker = () =>
  spawnWebLlmWorker(() => new Worker(new URL('./web-llm.worker.ts', import.meta.url), { type: 'module' }));
const loadToy = async () => unwrap(await load(spawnToy));

const harness = {
  /** What each case of the suite complains about. */
  async conformance() {
    const subject = { model: loadToy, question: 'what is a node', otherQuestion: 'what is a receipt' };
    const complaints: string[] = [];
    for (const { name, run } of languageModelCases)
      await run(subject).catch((error: unknown) => complaints.push(`${name}: ${String(error)}`));
    return { cases: languageModelCases.length, complaints };
  },
  /** Loses the device in the middle of an answer, then asks again. */
  async loseDevice() {
    const model = await loadToy();
    const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: 'what is a node' }]));
    const request = { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal };
    const before = unwrap(await model.generate(request, () => {}));
    // Agreed on before the answer: a message in the middle of it may come after its last token.
    const channel = new BroadcastChannel('lose-device');
    const armed = new Promise((resolve) => (channel.onmessage = resolve));
    channel.postMessage(3);
    await armed;
    channel.close();
    const broken = await model.generate(request, () => {});
    const lostAtMs = performance.now();
    const after = unwrap(await model.generate(request, () => {}));
    const recoveryMs = performance.now() - lostAtMs;
    await model.dispose();
    const failure = broken.ok ? 'no failure' : `${broken.error.code}: ${broken.error.message}`;
    return { failure, same: JSON.stringify(after) === JSON.stringify(before), recoveryMs };
  },
  /** The package itself, with a model whose library is none. */
  async loadWithPackage() {
    const loaded = await load(spawnWebLlmWorker);
    return loaded.ok ? 'loaded' : `${loaded.error.code}: ${loaded.error.message}`;
  },
};

export type WebLlmHarness = typeof harness;
Object.assign(window, { webLlm: harness });
