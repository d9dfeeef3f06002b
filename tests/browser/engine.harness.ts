import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerModelLoader } from '#adapters/engine-worker/worker-model-loader';
import { unwrap } from '#core/base/result';
import type { LanguageModel, LanguageModelLoader, LoadProgress } from '#core/engines/language-model';
import { languageModelCases } from '#tests/conformance/language-model';

const clock = createSystemClock();

const createLoader = (): LanguageModelLoader =>
  createWorkerModelLoader({ clock, baseUrl: `${location.origin}/static/` });

let shared: Promise<LanguageModel> | null = null;
const spark = (): Promise<LanguageModel> => (shared ??= createLoader().load('spark-1').then(unwrap));

const subject = {
  model: async () => unwrap(await createLoader().load('spark-1')),
  question: 'what is a node',
  otherQuestion: 'what is a receipt',
};

const never = new AbortController().signal;

async function answerTo(model: LanguageModel, question: string) {
  const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: question }]));
  const startedAt = performance.now();
  let firstTokenMs = 0;
  const { ids, finish } = unwrap(
    await model.generate({ promptIds, prefixIds: [], maxTokens: 160, signal: never }, () => {
      if (firstTokenMs === 0) firstTokenMs = performance.now() - startedAt;
    }),
  );
  const generateMs = performance.now() - startedAt;
  return { promptIds, ids, finish, text: unwrap(await model.decode(ids)), firstTokenMs, generateMs };
}

const harness = {
  caseNames: () => languageModelCases.map(({ name }) => name),
  async runCase(name: string): Promise<string> {
    const found = languageModelCases.find((one) => one.name === name);
    if (found === undefined) return `no case ${name}`;
    return found.run(subject).then(
      () => '',
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  },
  async load(modelId = 'spark-1') {
    const progress: LoadProgress[] = [];
    const startedAt = performance.now();
    const loaded = await createLoader().load(modelId, (state) => progress.push(state));
    const loadMs = performance.now() - startedAt;
    const outcome = loaded.ok
      ? { ok: true as const, identity: { ...loaded.value.identity } }
      : { ok: false as const, code: loaded.error.code, message: loaded.error.message };
    if (loaded.ok) await loaded.value.dispose();
    return { outcome, progress, loadMs };
  },
  async sameInstance() {
    const loader = createLoader();
    const [a, b] = await Promise.all([loader.load('spark-1'), loader.load('spark-1')]);
    const first = unwrap(a);
    const again = unwrap(await loader.load('spark-1'));
    const same = first === unwrap(b) && first === again;
    await first.dispose();
    const fresh = unwrap(await loader.load('spark-1'));
    const replaced = fresh !== first && (await fresh.decode([])).ok;
    await fresh.dispose();
    return { same, replaced };
  },
  async measure(questions: readonly string[]) {
    const model = await spark();
    await answerTo(model, questions[0]!);
    const rows = [];
    for (const question of questions) {
      const { promptIds, ids, generateMs, firstTokenMs } = await answerTo(model, question);
      const startedAt = performance.now();
      unwrap(await model.score(promptIds, ids));
      rows.push({ tokens: ids.length, generateMs, firstTokenMs, checkMs: performance.now() - startedAt });
    }
    return rows;
  },
  /**
   * Whether each question's greedy answer is exactly the expected text. An answer's ids are learned from the first
   * question that is answered with it; from then on one pass tells: every token rank 0 means that it is the answer.
   */
  async answersAsExpected(
    items: readonly { readonly question: string; readonly expected: string }[],
  ): Promise<boolean[]> {
    const model = await spark();
    const idsByText = new Map<string, readonly number[]>();
    const verdicts: boolean[] = [];
    for (const { question, expected } of items) {
      const known = idsByText.get(expected);
      if (known !== undefined) {
        const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: question }]));
        verdicts.push(unwrap(await model.score(promptIds, known)).every((score) => score.rank === 0));
        continue;
      }
      const { ids, text } = await answerTo(model, question);
      if (text === expected) idsByText.set(expected, ids);
      verdicts.push(text === expected);
    }
    return verdicts;
  },
};

export type EngineHarness = typeof harness;
Object.assign(window, { engine: harness });
