import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { languageModelCases } from '../conformance/language-model';
import { OWN_MARGIN } from '../conformance/language-model-runs';
import { variedModelCases } from '../conformance/language-model-sampled';
import { browserLaunch } from '../find-browser';
import type { DevicesHarness } from './engine.devices.harness';
import { serveHarness, type HarnessServer } from './serve-harness';

declare global {
  interface Window {
    devices: DevicesHarness;
  }
}

// A software adapter everywhere, so that a machine with a GPU tests the same.
test.use({ launchOptions: browserLaunch(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']) });

const MODULE = '/tests/browser/engine.devices.harness.ts';
const SPARK = {
  name: 'Spark',
  folder: '/static/models/spark/',
  question: 'what is a node',
  other: 'what is a receipt',
};
const LOOM = {
  name: 'Loom',
  folder: '/tests/models/loom/',
  question: 'write a short note on rivers',
  other: 'tell me a short story about lamps',
};
/** What a token may lose by on the other backend. */
const CROSS_MARGIN = 0.02;
/** By how much both may differ about one token: both compute with 32 bits, in another order. */
const CROSS_LOG_PROBABILITY = 1e-3;

/** The adapter in software writes ten tokens a second on a busy machine: only a hang takes this long. */
const HANG_MS = 600_000;
/** The rules that numbers and their waiting may break, but for what is drawn, which is looked at below; the others are about code that is the same on both backends. */
const ON_GPU = [
  'a model finds no fault with its own answer',
  'one forged token stands out by its rank and its margin',
  'an answer drawn with another seed than the one it claims stands out',
  'cancelling stops within one token and leaves the engine usable',
  'after dispose every call fails with engine_gone, a running one too',
];

test.describe.configure({ timeout: HANG_MS });

let server: HarnessServer;
test.beforeAll(async () => {
  server = await serveHarness({ modules: [MODULE, '/workers/transformers/main.ts'] });
});
test.afterAll(() => server.close());

async function open(page: Page): Promise<void> {
  await page.exposeFunction('crashGraphics', async () => {
    const devtools = await page.context().browser()!.newBrowserCDPSession();
    // The command has no answer of its own when the process that it kills is the one in between.
    await devtools.send('Browser.crashGpuProcess').catch(() => {});
    await devtools.detach().catch(() => {});
  });
  await server.open(page, MODULE);
}

test('Loom keeps on WebGPU what language models promise', async ({ page }) => {
  await open(page);
  const result = await page.evaluate(([subject, names]) => window.devices.runCases(subject, 'webgpu', names), [
    LOOM,
    ON_GPU,
  ] as const);
  expect(result).toEqual({ engine: 'transformers/webgpu', ran: ON_GPU.length, failures: [] });
});

test('Loom, whose answers vary, keeps what language models promise, and stands out where it did not draw', async ({
  page,
}) => {
  await open(page);
  const names = [...languageModelCases, ...variedModelCases].map(({ name }) => name);
  const result = await page.evaluate(([subject, all]) => window.devices.runCases(subject, 'wasm', all), [
    LOOM,
    names,
  ] as const);
  expect(result).toEqual({ engine: 'transformers/wasm', ran: names.length, failures: [] });
});

for (const subject of [SPARK, LOOM])
  test(`what one backend drew the other finds in order: ${subject.name}`, async ({ page }) => {
    await open(page);
    // A sample; `npm run experiments:liars` scores three hundred whole answers across backends.
    const result = await page.evaluate((which) => window.devices.crossScores(which, 2, 32), subject);
    console.log(subject.name, result);
    expect(result.engines).toEqual(['transformers/wasm', 'transformers/webgpu']);
    expect(result.worst).toBeLessThan(CROSS_MARGIN);
    expect(result.ownWorst).toBeLessThan(OWN_MARGIN);
    expect(result.furthest).toBeLessThan(CROSS_LOG_PROBABILITY);
  });

test('a model whose graphics device is lost comes back on WebAssembly', async ({ page }) => {
  await open(page);
  const lost = await page.evaluate((subject) => window.devices.loseDevice(subject), SPARK);
  expect(lost).toEqual({
    engines: ['transformers/webgpu', 'transformers/wasm'],
    code: 'engine_failed',
    again: 'stop',
    workers: 2,
  });
});

test('a device that is lost while nothing runs costs no call', async ({ page }) => {
  await open(page);
  const lost = await page.evaluate((subject) => window.devices.loseIdleDevice(subject), SPARK);
  expect(lost).toEqual({ why: 'engine_failed', next: 'ok', after: 'transformers/wasm' });
});

test('encoders give on WebGPU, padded together, what PyTorch says', async ({ page }) => {
  const read = <T>(model: string): T =>
    JSON.parse(readFileSync(new URL(`../models/${model}/expected.json`, import.meta.url), 'utf8')) as T;
  const { texts } = read<{ texts: readonly { text: string; mean: readonly number[] }[] }>('tiny-embed');
  const { query, passages } = read<{ query: string; passages: readonly { passage: string; score: number }[] }>(
    'tiny-rerank',
  );
  const classes = read<{ texts: readonly { exclusive: Readonly<Record<string, number>> }[] }>('tiny-classify').texts;
  await open(page);
  const found = await page.evaluate(([asked, about, among]) => window.devices.encoders(asked, about, among), [
    texts.map(({ text }) => text),
    query,
    passages.map(({ passage }) => passage),
  ] as const);
  expect(found.engines).toEqual(new Array(3).fill('transformers/webgpu'));
  const pairs = [
    ...found.vectors.flatMap((vector, index) => vector.map((value, at) => [value, texts[index]!.mean[at]!] as const)),
    ...found.scores.map((score, index) => [score, passages[index]!.score] as const),
    ...found.labels.flatMap((labels, index) =>
      labels.map(({ label, probability }) => [probability, classes[index]!.exclusive[label]!] as const),
    ),
  ];
  const furthest = pairs.reduce((most, [value, wanted]) => Math.max(most, Math.abs(value - wanted)), 0);
  expect(pairs.length).toBeGreaterThan(200);
  expect(furthest).toBeLessThan(1e-4);
});
