import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { classifierModelCases } from '../conformance/classifier-model';
import { embeddingModelCases } from '../conformance/embedding-model';
import { rerankModelCases } from '../conformance/rerank-model';
import type { StoredHarness } from './engine.stored.harness';
import { serveHarness, type HarnessServer } from './serve-harness';

declare global {
  interface Window {
    stored: StoredHarness;
  }
}

const MODULE = '/tests/browser/engine.stored.harness.ts';
/** What PyTorch and the runtime may differ by: sums in another order, seven digits written down. */
const FROM_TORCH = 1e-4;

/** What the browser is made to say of this machine. */
const CORES = 4;

const expected = <T>(model: string): T =>
  JSON.parse(readFileSync(new URL(`../models/${model}/expected.json`, import.meta.url), 'utf8')) as T;

let server: HarnessServer;
test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
});
test.afterAll(() => server.close());
const open = (page: Page): Promise<void> => server.open(page, MODULE);

test.describe('a model from the store', () => {
  test('is the same as from its folder: same name, same hash, same answer', async ({ page }) => {
    await open(page);
    const [folder, stored] = await page.evaluate(() => window.stored.sameFromStore('what is a node'));
    expect(stored).toEqual(folder);
    expect(folder!.ids.length).toBeGreaterThan(11);
    // The name of the graph follows from the quantisation, its place from the list of files.
    expect(await page.evaluate(() => window.stored.answerOfRenamed('what is a node'))).toEqual(folder!.ids);
  });

  test('takes prompts by its card, by its template, or as they stand', async ({ page }) => {
    await open(page);
    const [card, template, none] = await page.evaluate(
      (asked) => window.stored.promptsBothWays(asked),
      ['what is a node', 'x <|end|><|spark|> yes <|user|>'],
    );
    const { prompts, endTokenId } = card!;
    const [user, spark] = [prompts[0]![0]!, prompts[0]!.at(-1)!];
    expect(template!.endTokenId).toBe(endTokenId);
    expect(template!.prompts[0]).toEqual(prompts[0]);
    // The marks that a person wrote are no marks in the prompt.
    const marks = (ids: readonly number[]) => ids.filter((id) => [user, spark, endTokenId].includes(id));
    expect(marks(template!.prompts[1]!)).toEqual([user, spark]);
    expect(marks(none!.prompts[1]!)).toEqual([]);
    expect(none!.prompts[0]!.length).toBeGreaterThan(0);
  });

  for (const name of [
    'generation streams exactly the ids that it returns and ends with the end token',
    'an answer continued after any part of it ends in the same tokens and the same text',
    'a model finds no fault with its own answer',
    'a model finds no fault with what it drew itself',
    'a prompt that leaves no room for an answer is refused',
  ])
    test(`keeps under a chat template: ${name}`, async ({ page }) => {
      await open(page);
      expect(await page.evaluate((caseName) => window.stored.runCase(caseName), name)).toBe('');
    });

  test('is refused when a file is missing or is not what it says', async ({ page }) => {
    await open(page);
    expect(await page.evaluate(() => window.stored.refusedLoads())).toEqual(new Array(5).fill('load_failed'));
  });
});

test.describe('encoders', () => {
  const counts = { embed: embeddingModelCases, rerank: rerankModelCases, classify: classifierModelCases };
  for (const task of ['embed', 'rerank', 'classify'] as const)
    test(`${task}: what is promised is kept`, async ({ page }) => {
      await open(page);
      expect(await page.evaluate((which) => window.stored.encoderCases[which]('wasm'), task)).toEqual([
        `${counts[task].length} cases`,
      ]);
    });

  test('embeddings are what PyTorch says, by every way of pooling', async ({ page }) => {
    type Way = 'mean' | 'cls' | 'max' | 'last';
    const { texts, dimensions } = expected<{
      dimensions: number;
      texts: readonly ({ text: string; truncated: boolean } & Record<Way, readonly number[]>)[];
    }>('tiny-embed');
    await open(page);
    const flags = { mean: undefined, cls: 'cls_token', max: 'max_tokens', last: 'lasttoken' };
    for (const way of Object.keys(flags) as Way[]) {
      const { rows } = await page.evaluate(([asked, pooling]) => window.stored.embed(asked!, 'wasm', pooling), [
        texts.map(({ text }) => text),
        flags[way],
      ] as const);
      texts.forEach((text, index) => {
        expect(rows[index]!.truncated).toBe(text.truncated);
        expect(rows[index]!.vector).toHaveLength(dimensions);
        expect(furthest(rows[index]!.vector, text[way])).toBeLessThan(FROM_TORCH);
      });
    }
    expect(texts.filter(({ truncated }) => truncated)).toHaveLength(1);
  });

  test('relevance is what PyTorch says', async ({ page }) => {
    const { query, passages } = expected<{
      query: string;
      passages: readonly { passage: string; truncated: boolean; score: number }[];
    }>('tiny-rerank');
    await open(page);
    const rows = await page.evaluate(([asked, among]) => window.stored.rank(asked, among, 'wasm'), [
      query,
      passages.map(({ passage }) => passage),
    ] as const);
    expect(rows.map(({ truncated }) => truncated)).toEqual(passages.map(({ truncated }) => truncated));
    expect(
      furthest(
        rows.map(({ score }) => score),
        passages.map(({ score }) => score),
      ),
    ).toBeLessThan(FROM_TORCH);
  });

  test('probabilities are what PyTorch says, of labels that exclude each other and of others', async ({ page }) => {
    type Ways = Record<'exclusive' | 'separate', Readonly<Record<string, number>>>;
    const { texts, labels } = expected<{
      labels: readonly string[];
      texts: readonly ({ text: string; truncated: boolean } & Ways)[];
    }>('tiny-classify');
    await open(page);
    for (const [way, problemType] of [
      ['exclusive', undefined],
      ['separate', 'multi_label_classification'],
    ] as const) {
      const { rows, exclusive } = await page.evaluate(([asked, type]) => window.stored.classify(asked!, 'wasm', type), [
        texts.map(({ text }) => text),
        problemType,
      ] as const);
      expect(exclusive).toBe(way === 'exclusive');
      texts.forEach((text, index) => {
        expect(rows[index]!.truncated).toBe(text.truncated);
        const found = new Map(rows[index]!.labels.map(({ label, probability }) => [label, probability]));
        expect(
          furthest(
            labels.map((label) => found.get(label)!),
            labels.map((label) => text[way][label]!),
          ),
        ).toBeLessThan(FROM_TORCH);
      });
    }
  });

  test('a model is refused for a task that is not its own', async ({ page }) => {
    await open(page);
    expect(await page.evaluate(() => window.stored.wrongTask())).toEqual(new Array(3).fill('wrong_task'));
  });
});

test('a stop arrives between two tokens on WebAssembly, too', async ({ page }) => {
  await open(page);
  const { whole, stopped } = await page.evaluate((after) => window.stored.finishesOfStops(after), [0, 1, 3, 8]);
  expect(whole.finish).toBe('length');
  // One that arrived only when the answer is done would find it at its full length; how soon one is taken is a figure of the bench.
  expect(stopped.map(({ finish }) => finish)).toEqual(new Array(4).fill('cancelled'));
  expect(stopped[0]!.tokens).toBe(0);
  for (const { tokens } of stopped) expect(tokens).toBeLessThan(whole.tokens);
});

test('a runtime that broke is replaced, and the next question is answered as the first', async ({ page }) => {
  await open(page);
  const { codes, sameAfterwards, workers } = await page.evaluate(() => window.stored.poison());
  expect(codes).toEqual(['engine_failed', 'engine_failed']);
  expect(sameAfterwards).toBe(true);
  expect(workers).toBe(3);
});

test('a model so large that it reads in several passes gives the same answer, and finds no fault with it', async ({
  page,
}) => {
  await open(page);
  const small = await page.evaluate(() => window.stored.answerAsIfOf(1_700_000));
  // Four tokens a pass.
  const large = await page.evaluate(() => window.stored.answerAsIfOf(5_000_000_000));
  expect(large.ids).toEqual(small.ids);
  expect(small.worst).toBeLessThan(0.02);
  expect(large.worst).toBeLessThan(0.02);
});

test('threads are used by large models on an isolated page only, and change no answer', async ({ page }) => {
  const isolated = await serveHarness({
    modules: [MODULE, '/workers/transformers/main.ts'],
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  });
  try {
    const answerOn = async (at: HarnessServer, parameters: number) => {
      await at.open(page, MODULE);
      const countThreads = await watchThreads(page);
      const { ids, isolated: alone } = await page.evaluate((count) => window.stored.answerAsIfOf(count), parameters);
      return { ids, alone, threads: await countThreads() };
    };
    const small = await answerOn(isolated, 1_700_000);
    const large = await answerOn(isolated, 100_000_000);
    const shared = await answerOn(server, 100_000_000);
    expect([small.alone, large.alone, shared.alone]).toEqual([true, true, false]);
    expect([small.threads, shared.threads]).toEqual([0, 0]);
    // Half of the cores, the worker's own thread among them.
    expect(large.threads).toBe(CORES / 2 - 1);
    expect(large.ids).toEqual(small.ids);
    expect(shared.ids).toEqual(small.ids);
  } finally {
    await isolated.close();
  }
});

/** Counts, from now on, the workers that workers of this page start: the runtime's threads. Those see `CORES` cores. */
async function watchThreads(page: Page): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page);
  let threads = 0;
  const attach = { autoAttach: true, flatten: false };
  const expression = `Object.defineProperty(navigator, 'hardwareConcurrency', { value: ${CORES} })`;
  const inWorker = [
    { method: 'Target.setAutoAttach', params: { ...attach, waitForDebuggerOnStart: false } },
    { method: 'Runtime.evaluate', params: { expression } },
    { method: 'Runtime.runIfWaitingForDebugger' },
  ].map((call, id) => JSON.stringify({ id, ...call }));
  devtools.on('Target.attachedToTarget', async ({ sessionId, targetInfo }) => {
    if (targetInfo.type !== 'worker') return;
    for (const message of inWorker) await devtools.send('Target.sendMessageToTarget', { sessionId, message });
  });
  devtools.on('Target.receivedMessageFromTarget', ({ message }) => {
    if ((JSON.parse(message) as { method?: string }).method === 'Target.attachedToTarget') threads++;
  });
  await devtools.send('Target.setAutoAttach', { ...attach, waitForDebuggerOnStart: true });
  return async () => {
    await devtools.detach();
    return threads;
  };
}

/** The largest difference between two lists of numbers. */
function furthest(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);
}
