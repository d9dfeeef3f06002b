import { createSystemClock } from '#adapters/clock-system/system-clock';
import type { SpawnModelWorker } from '#adapters/engine-worker/model-worker-handle';
import { spawnWebLlmWorker } from '#adapters/engine-worker/spawn-web-llm-worker';
import { loadSupervisedModel } from '#adapters/engine-worker/supervised-model';
import { unwrap } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
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
const spawnPackage: SpawnModelWorker = () =>
  spawnWebLlmWorker(
    () => new Worker(new URL('./web-llm.worker.ts', import.meta.url), { type: 'module', name: 'package' }),
  );
const loadToy = async () => unwrap(await load(spawnToy));

/** Agreed on before the answer: a message in the middle of it may come after its last token. */
async function armLoss(passes: number): Promise<void> {
  const channel = new BroadcastChannel('lose-device');
  const armed = new Promise((resolve) => (channel.onmessage = resolve));
  channel.postMessage(passes);
  await armed;
  channel.close();
}

/** Answers that the package has on disk. */
async function sessionsOnDisk(): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('webllm-resume');
    for await (const name of (await root.getDirectoryHandle('sessions')).keys()) names.push(name);
  } catch (error) {
    if ((error as DOMException).name !== 'NotFoundError') throw error;
  }
  return names;
}

const harness = {
  /** What each case of the suite complains about. */
  async conformance() {
    const subject = { model: loadToy, question: 'what is a node', otherQuestion: 'what is a receipt' };
    const complaints: string[] = [];
    for (const { name, run } of languageModelCases)
      await run(subject).catch((error: unknown) => complaints.push(`${name}: ${String(error)}`));
    return { cases: languageModelCases.length, complaints };
  },
  /** What each case of the suite complains about when every answer is kept by the package itself. */
  async keptConformance() {
    // The package takes its time to start: one worker for all cases but the one that ends it.
    const model = unwrap(await load(spawnPackage));
    let answers = 0;
    const generate: LanguageModel['generate'] = (request, onToken) =>
      model.generate({ ...request, keptAs: `job-${answers++}` }, onToken);
    const subject = {
      model: async (): Promise<LanguageModel> => ({
        ...model,
        identity: model.identity,
        generate,
        dispose: async () => {},
      }),
      question: 'what is a node',
      otherQuestion: 'what is a receipt',
    };
    const cases = languageModelCases.filter(({ name }) => !name.startsWith('after dispose'));
    const complaints: string[] = [];
    for (const { name, run } of cases)
      await run(subject).catch((error: unknown) => complaints.push(`${name}: ${String(error)}`));
    await model.dispose();
    return { cases: cases.length, complaints, left: await sessionsOnDisk() };
  },
  /** The package's own crash-resume: in one kept answer after the other the device is lost, in the pass after so many. */
  async loseKept(passesEach: readonly number[]) {
    const model = unwrap(await load(spawnPackage));
    const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: 'what is a node' }]));
    const request = { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal };
    const texts: string[] = [];
    const alone = unwrap(await model.generate(request, ({ text }) => texts.push(text)));
    const takenUp: { replayed: number; covered: number }[] = [];
    const ears = new BroadcastChannel('taken-up');
    ears.onmessage = ({ data }: MessageEvent<{ replayed: number; covered: number }>) => takenUp.push(data);
    const answers = [];
    for (const passes of passesEach) {
      await armLoss(passes);
      const keptTexts: string[] = [];
      let onDisk: Promise<readonly string[]> = Promise.resolve([]);
      const kept = await model.generate({ ...request, keptAs: `job-${passes}` }, ({ text }) => {
        if (keptTexts.push(text) === 5) onDisk = sessionsOnDisk();
      });
      const during = await onDisk;
      const text = keptTexts.join('');
      answers.push({ passes, kept, text, during, takenUp: takenUp.splice(0), after: await sessionsOnDisk() });
    }
    await model.dispose();
    ears.close();
    return { alone, text: texts.join(''), answers };
  },
  /** Loses the device in the middle of an answer, then asks again. */
  async loseDevice() {
    const model = await loadToy();
    const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: 'what is a node' }]));
    const request = { promptIds, prefixIds: [], maxTokens: 99, signal: new AbortController().signal };
    const before = unwrap(await model.generate(request, () => {}));
    await armLoss(3);
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
