import { unwrap, type Result } from '#core/base/result';
import type { GeneratedToken, Generation, LanguageModel } from '#core/engines/language-model';
import type { Sampling } from '#core/engines/sampling';

/** One engine under test. `model` gives a fresh instance each time; the suite disposes it. */
export interface LanguageModelSubject {
  model(): Promise<LanguageModel>;
  /** Its answer has at least twelve tokens and ends by itself. */
  readonly question: string;
  /** Another question, with another answer. */
  readonly otherQuestion: string;
}

export interface ConformanceCase {
  readonly name: string;
  run(subject: LanguageModelSubject): Promise<void>;
}

/** Between a run token by token and one pass, sums differ in their last bits. */
export const OWN_MARGIN = 0.02;

/** More than any answer under test has; the model's context may end it earlier. */
const MOST_TOKENS = 480;

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export const same = (a: unknown, b: unknown, what: string): void =>
  expect(JSON.stringify(a) === JSON.stringify(b), `${what}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`);

export const failsWith = (result: Result<unknown>, code: string): void =>
  expect(
    !result.ok && result.error.code === code,
    `expected ${code}, got ${result.ok ? 'a value' : result.error.code}`,
  );

interface Run {
  readonly tokens: GeneratedToken[];
  readonly done: Promise<Result<Generation>>;
  readonly abort: () => void;
}

interface RunOptions {
  readonly prefixIds?: readonly number[];
  readonly maxTokens?: number;
  readonly sampling?: Sampling;
  readonly onToken?: (tokens: readonly GeneratedToken[], abort: () => void) => void;
}

export function generate(
  model: LanguageModel,
  promptIds: readonly number[],
  { prefixIds = [], maxTokens = MOST_TOKENS, sampling, onToken }: RunOptions = {},
): Run {
  const controller = new AbortController();
  const tokens: GeneratedToken[] = [];
  const abort = (): void => controller.abort();
  const drawn = sampling === undefined ? {} : { sampling };
  const done = model.generate({ promptIds, prefixIds, maxTokens, signal: controller.signal, ...drawn }, (token) => {
    tokens.push(token);
    onToken?.(tokens, abort);
  });
  return { tokens, done, abort };
}

export const promptOf = async (model: LanguageModel, text: string): Promise<readonly number[]> =>
  unwrap(await model.encodePrompt([{ role: 'user', text }]));

export async function answer(model: LanguageModel, text: string, sampling?: Sampling) {
  const promptIds = await promptOf(model, text);
  const run = generate(model, promptIds, sampling === undefined ? {} : { sampling });
  const generation = unwrap(await run.done);
  return { promptIds, ids: generation.ids, finish: generation.finish, tokens: run.tokens };
}

type Check = (model: LanguageModel, subject: LanguageModelSubject) => Promise<void>;

export const rule = (name: string, check: Check): ConformanceCase => ({
  name,
  async run(subject) {
    const model = await subject.model();
    try {
      await check(model, subject);
    } finally {
      await model.dispose();
    }
  },
});
