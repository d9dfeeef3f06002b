import { createWorkerModelLoader } from '#adapters/engine-worker/worker-model-loader';
import type { Clock } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import type { LanguageModel, LanguageModelLoader, LoadProgress } from '#core/engines/language-model';
import { languageModelCases } from '#tests/conformance/language-model';

const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, run) {
    const timer = setInterval(run, periodMs);
    return () => clearInterval(timer);
  },
};

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

/** The greedy answer's first token decides the whole answer only if the rest follows from it: each is scored in full. */
async function scoreAnswer(model: LanguageModel, question: string, expectedIds: readonly number[]): Promise<boolean> {
  const promptIds = unwrap(await model.encodePrompt([{ role: 'user', text: question }]));
  return unwrap(await model.score(promptIds, expectedIds)).every((score) => score.rank === 0);
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
  ask: async (question: string) => answerTo(await spark(), question),
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
   * Which answer each question gets: an id of `answers`, or null. `hint` is tried first; what does not score as it is
   * generated and compared, so that a question answered with another intent's answer is told apart from a broken one.
   */
  async scoreAnswers(items: readonly { readonly question: string; readonly expected: string }[]): Promise<boolean[]> {
    const model = await spark();
    const idsByText = new Map<string, readonly number[]>();
    const verdicts: boolean[] = [];
    for (const { question, expected } of items) {
      let ids = idsByText.get(expected);
      if (ids === undefined) {
        ids = await encodeAnswer(model, question, expected);
        if (ids !== null) idsByText.set(expected, ids);
      }
      verdicts.push(ids !== null && (await scoreAnswer(model, question, ids)));
    }
    return verdicts;
  },
};

/** Ids of an answer, learned from the model itself: the first question that is answered with it gives them. */
async function encodeAnswer(
  model: LanguageModel,
  question: string,
  expected: string,
): Promise<readonly number[] | null> {
  const { ids, text } = await answerTo(model, question);
  return text === expected ? ids : null;
}

export type EngineHarness = typeof harness;
Object.assign(window, { engine: harness });
