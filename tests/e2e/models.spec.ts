import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import type { ModelCatalogue, ModelManifest } from '#core/engines/model-manifest';
import { PIECE_BYTES } from '#core/engines/model-store';
import { ROOT } from '#tests/steps';
import { faultyLine, type FaultyLine } from './faulty-line';
import {
  arrive,
  askThrough,
  askUntilChecked,
  contribute,
  expectNoFaults,
  seesOffers,
  statusOf,
  type PersonAtPage,
} from './people';
import { serveApp, type AppServer } from './serve-app';

/** A download that is cut three times may cost this much more than the model weighs. */
const MOST_TRANSFERRED = 1.05;
const TWIN = 'spark-twin';
const BROKEN = 'spark-broken';
const BREAKS = 3;
const GRAPH = 'onnx/model.onnx';
const OTHER_BYTES = 5_000_000;
const QUESTION = 'What is a receipt?';

let folder: string;
let app: AppServer;
let line: FaultyLine;
let sizeBytes = 0;
let worker: PersonAtPage;
let checker: PersonAtPage;
let asker: PersonAtPage;

/** Spark under another name, as somebody who runs a server would offer a model of their own. */
async function ownModels(): Promise<void> {
  const builtIn = JSON.parse(await readFile(join(ROOT, 'static/models/catalogue.json'), 'utf8')) as ModelCatalogue;
  const spark = builtIn.models.find(({ id }) => id === 'spark-1')!;
  sizeBytes = spark.files.reduce((sum, file) => sum + file.sizeBytes!, 0);
  const models = [TWIN, BROKEN].map((id): ModelManifest => ({
    ...spark,
    id,
    name: id,
    source: { kind: 'app', folder: `models/own/${id}` },
  }));
  // Of one content there is one copy on a device, so the one that arrives broken must be another.
  const other = randomBytes(OTHER_BYTES);
  const files = models[1]!.files.map((file) =>
    file.path === GRAPH
      ? { ...file, sha256: createHash('sha256').update(other).digest('hex'), sizeBytes: OTHER_BYTES }
      : file,
  );
  models[1] = { ...models[1]!, files };
  for (const { id } of models) await cp(join(ROOT, 'static/models/spark'), join(folder, id), { recursive: true });
  await writeFile(join(folder, BROKEN, GRAPH), other);
  const catalogue: ModelCatalogue = { type: 'model-catalogue', v: 1, models };
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
}

const cardOf = (page: Page, id: string) => page.getByTestId(`model-${id}`);

async function download(page: Page, id: string): Promise<void> {
  const card = cardOf(page, id);
  await card.getByRole('button', { name: `Download ${id}` }).click();
  await expect(card.getByText('this app’s own server')).toBeVisible();
  await card.getByRole('button', { name: 'Yes, download' }).click();
}

async function chooseTwin(page: Page): Promise<void> {
  await cardOf(page, TWIN)
    .getByRole('button', { name: `Answer with ${TWIN}` })
    .click();
  await expect(cardOf(page, TWIN).getByText('answers here')).toBeVisible();
}

test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-own-models-'));
  await ownModels();
  app = await serveApp({ server: { modelsFile: join(folder, 'catalogue.json') } });
  line = await faultyLine(app.origin, [
    { path: `${TWIN}/onnx/model.onnx`, stall: { afterBytes: PIECE_BYTES + 1, times: BREAKS } },
    { path: `${BROKEN}/onnx/model.onnx`, flipAt: 4_000_000 },
  ]);
});
test.afterAll(async () => {
  for (const person of [worker, checker, asker]) await person?.context.close();
  await line?.close();
  await app?.close();
  await rm(folder, { recursive: true, force: true });
});

test('a model is chosen, downloaded over a line that breaks three times, and answers on this device', async ({
  browser,
}) => {
  worker = await arrive(browser, `${line.origin}/models`);
  const { page } = worker;
  await download(page, TWIN);
  for (const kept of [/1\.[01] MB of/, /2\.[0-2] MB of/, /3\.[0-4] MB of/].slice(0, BREAKS)) {
    const breakIt = await line.nextStall();
    // What came is on disk: a line that breaks takes with it only what the browser has not read.
    await expect(cardOf(page, TWIN).getByTestId('progress')).toContainText(kept);
    breakIt();
  }
  await expect(cardOf(page, TWIN).getByRole('button', { name: `Answer with ${TWIN}` })).toBeVisible({
    timeout: 120_000,
  });
  expect(line.bytes(`/models/own/${TWIN}/`)).toBeGreaterThan(sizeBytes * 0.999);
  expect(line.bytes(`/models/own/${TWIN}/`)).toBeLessThanOrEqual(sizeBytes * MOST_TRANSFERRED);

  await chooseTwin(page);
  const { answer } = await askThrough(page, QUESTION, { provider: 'self' });
  expect(answer.model).toBe(TWIN);
  expect(answer.text.length).toBeGreaterThan(0);
});

test('one flipped bit is refused, and the model does not count as downloaded', async () => {
  const { page } = worker;
  await download(page, BROKEN);
  await expect(cardOf(page, BROKEN).getByRole('alert')).toContainText(/not the|does not match|differ/i);
  await expect(cardOf(page, BROKEN).getByRole('button', { name: `Answer with ${BROKEN}` })).toHaveCount(0);
});

test('somebody without the model asks for it, another node answers, and a third with the same model checks', async ({
  browser,
}) => {
  checker = await arrive(browser, `${app.origin}/models`);
  await download(checker.page, TWIN);
  await expect(cardOf(checker.page, TWIN).getByRole('button', { name: `Answer with ${TWIN}` })).toBeVisible();
  await chooseTwin(checker.page);
  asker = await arrive(browser, app.origin);
  await contribute(worker.page);
  await contribute(checker.page);
  await seesOffers(asker.page, 'llm.chat@1', 2);
  await seesOffers(asker.page, 'check.rescore@1', 2);

  const { answer, updates } = await askUntilChecked(asker.page, QUESTION, {
    provider: 'mesh',
    model: TWIN,
    temperature: 0.7,
  });
  expect(answer.model).toBe(TWIN);
  expect(answer.verdict).toBe('accepted');
  expect([...answer.experts, ...answer.validators].sort()).toEqual([worker.nodeId, checker.nodeId].sort());
  const checked = updates.find((update) => update.type === 'checked');
  expect(checked?.type === 'checked' && checked.evidence).toMatchObject({ gross: 0, soft: 0 });
  expect((await statusOf(asker.page)).models).toEqual([]);
});

test('the chosen model answers again after a reload, and is deleted when another one answers', async () => {
  const { page } = checker;
  await page.reload();
  await page.waitForFunction(() => window.tabmesh !== undefined);
  await page.evaluate(() => window.tabmesh!.ready);
  await expect(cardOf(page, TWIN).getByText('answers here')).toBeVisible();
  await cardOf(page, 'spark-1').getByRole('button', { name: 'Answer with Spark' }).click();
  await expect(cardOf(page, 'spark-1').getByText('answers here')).toBeVisible();
  await cardOf(page, TWIN)
    .getByRole('button', { name: `Delete ${TWIN}` })
    .click();
  await expect(cardOf(page, TWIN).getByRole('button', { name: `Download ${TWIN}` })).toBeVisible();
  await expectNoFaults(worker, checker, asker);
});
