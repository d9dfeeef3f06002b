import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import type { ModelCatalogue, ModelManifest } from '#core/engines/model-manifest';
import { diffOf } from '#core/experts/objective/diff-text';
import { claimOf, signerFrom } from '#tests/fakes/claims';
import { ROOT } from '#tests/steps';
import { arrive, contribute, expectNoFaults, seesOffers, statusOf, type PersonAtPage } from './people';
import { serveApp, type AppServer } from './serve-app';

/** What PyTorch and the runtime may differ by: sums in another order, seven digits written down. */
const FROM_TORCH = 1e-4;
const EMBED = 'tiny-embed';
const RERANK = 'tiny-rerank';
/** Spark under a chat template that gives the same prompts, and shows the turns before the last one. */
const TURNS = 'spark-turns';
const CHAT_TEMPLATE =
  "{% for m in messages %}{% if m.role == 'user' %}<|user|> {{ m.content | trim }}{% else %}<|spark|>{{ m.content }}<|end|>{% endif %}" +
  '{% endfor %}{% if add_generation_prompt %}<|spark|>{% endif %}';
const TOKENIZER = 'tokenizer_config.json';

let folder: string;
let app: AppServer;
let worker: PersonAtPage;
let checker: PersonAtPage;
let asker: PersonAtPage;

const readJson = async <T>(...path: string[]): Promise<T> =>
  JSON.parse(await readFile(join(ROOT, ...path), 'utf8')) as T;

/** Small models as somebody who runs a server would offer their own. */
async function ownModels(): Promise<void> {
  const models: ModelManifest[] = [];
  for (const id of [EMBED, RERANK]) {
    await cp(join(ROOT, 'tests/models', id), join(folder, id), { recursive: true });
    const manifest = await readJson<ModelManifest>('tests/models', id, 'manifest.json');
    models.push({ ...manifest, source: { kind: 'app', folder: `models/own/${id}` } });
  }
  await cp(join(ROOT, 'static/models/spark'), join(folder, TURNS), { recursive: true });
  const tokenizer = await readJson<object>('static/models/spark', TOKENIZER);
  const changed = JSON.stringify({ ...tokenizer, chat_template: CHAT_TEMPLATE });
  await writeFile(join(folder, TURNS, TOKENIZER), changed);
  const spark = (await readJson<ModelCatalogue>('static/models/catalogue.json')).models.find(
    ({ id }) => id === 'spark-1',
  )!;
  const { golden: _golden, ...plain } = spark;
  models.push({
    ...plain,
    id: TURNS,
    name: TURNS,
    chatTemplate: 'tokenizer',
    source: { kind: 'app', folder: `models/own/${TURNS}` },
    files: spark.files.map((file) =>
      file.path === TOKENIZER
        ? { ...file, sha256: createHash('sha256').update(changed).digest('hex'), sizeBytes: Buffer.byteLength(changed) }
        : file,
    ),
  });
  const catalogue: ModelCatalogue = { type: 'model-catalogue', v: 1, models };
  await writeFile(join(folder, 'catalogue.json'), JSON.stringify(catalogue));
}

const cardOf = (page: Page, id: string) => page.getByTestId(`model-${id}`);

/** Downloads a model, lets this device use it, and waits until it does. */
async function take(page: Page, id: string, button: string, chip: string): Promise<void> {
  const card = cardOf(page, id);
  await card.getByRole('button', { name: `Download ${id}` }).click();
  await card.getByRole('button', { name: 'Yes, download' }).click();
  await card.getByRole('button', { name: `${button} ${id}` }).click({ timeout: 120_000 });
  await expect(card.getByText(chip)).toBeVisible({ timeout: 120_000 });
}

/** Work through the page's API, with everything that came of it; bytes as plain lists. */
const workThrough = (page: Page, capability: string, input: unknown, provider?: string) =>
  page.evaluate(
    async ([id, given, to]) => {
      const plain = (value: unknown): unknown => {
        if (value instanceof Uint8Array) return [...value];
        if (Array.isArray(value)) return value.map(plain);
        if (value === null || typeof value !== 'object') return value;
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
      };
      const run = window.tabmesh!.work(id, given, to === undefined ? {} : { provider: to });
      const updates: { readonly type: string }[] = [];
      for await (const update of run.updates) updates.push(update);
      return run.result.then(
        ({ output, answer }) => ({ updates, output: plain(output), answer, code: null }),
        (error: { code: string; message: string }) => ({ updates, output: null, answer: null, code: error.code }),
      );
    },
    [capability, input, provider] as const,
  );

async function doneByOneCheckedByAnother(capability: string, input: unknown, check: 'outcome' | 'rescore') {
  let done = await workThrough(asker.page, capability, input, 'mesh');
  // On a busy machine a check may come too late.
  for (let again = 0; again < 8 && done.answer?.verdict === 'unchecked'; again++)
    done = await workThrough(asker.page, capability, input, 'mesh');
  const { answer, output, code, updates } = done;
  expect(code).toBeNull();
  expect(answer).toMatchObject({ verdict: 'accepted', check });
  expect([...answer!.experts, ...answer!.validators].sort()).toEqual([worker.nodeId, checker.nodeId].sort());
  const receipt = await asker.page.evaluate((id) => window.tabmesh!.receipt(id), answer!.receiptId);
  expect(receipt?.verified).toBe(true);
  expect(receipt?.signatures).toHaveLength(3);
  return { answer: answer!, output, updates };
}

test.describe.configure({ mode: 'serial' });
test.beforeAll(async ({ browser }) => {
  test.setTimeout(600_000);
  folder = await mkdtemp(join(tmpdir(), 'tabmesh-task-models-'));
  await ownModels();
  app = await serveApp({ server: { modelsFile: join(folder, 'catalogue.json') } });
  worker = await arrive(browser, `${app.origin}/models`);
  checker = await arrive(browser, `${app.origin}/models`);
  asker = await arrive(browser, `${app.origin}/tasks`);
  for (const { page } of [worker, checker]) {
    await contribute(page);
    await take(page, EMBED, 'Serve', 'compares texts here');
    await take(page, RERANK, 'Serve', 'ranks passages here');
  }
  for (const capability of ['embed.texts@1', 'rerank.passages@1', 'text.summarize@1', 'check.outcome@1'])
    await seesOffers(asker.page, capability, 2);
});
test.afterAll(async () => {
  for (const person of [worker, checker, asker]) await person?.context.close();
  await app?.close();
  await rm(folder, { recursive: true, force: true });
});

test('texts become vectors in one tab, the ones that PyTorch computes, and another tab computes them again', async () => {
  test.setTimeout(300_000);
  const { texts } = await readJson<{ texts: readonly { text: string; truncated: boolean; mean: readonly number[] }[] }>(
    'tests/models',
    EMBED,
    'expected.json',
  );
  const input = { texts: texts.map(({ text }) => text) };
  const { output, answer } = await doneByOneCheckedByAnother('embed.texts@1', input, 'outcome');
  expect(answer.model).toBe(EMBED);
  const { vectors } = output as { vectors: readonly { vector: readonly number[]; truncated: boolean }[] };
  texts.forEach(({ mean, truncated }, index) => {
    const bytes = Uint8Array.from(vectors[index]!.vector);
    const numbers = new Float32Array(bytes.buffer);
    expect(numbers).toHaveLength(mean.length);
    mean.forEach((value, at) => expect(Math.abs(numbers[at]! - value)).toBeLessThan(FROM_TORCH));
    expect(vectors[index]!.truncated).toBe(truncated);
  });
  expect((await statusOf(asker.page)).models).toEqual([]);
});

test('passages are ranked in one tab as PyTorch does, and another tab ranks them again', async () => {
  const { query, passages } = await readJson<{
    query: string;
    passages: readonly { passage: string; truncated: boolean; score: number }[];
  }>('tests/models', RERANK, 'expected.json');
  const input = { query, passages: passages.map(({ passage }) => passage) };
  const { output } = await doneByOneCheckedByAnother('rerank.passages@1', input, 'outcome');
  const { scoresMilli, order, truncated } = output as Record<'scoresMilli' | 'order' | 'truncated', readonly number[]>;
  expect(scoresMilli).toEqual(passages.map(({ score }) => Math.round(score * 1_000)));
  const places = passages.map((_, at) => at).sort((a, b) => passages[b]!.score - passages[a]!.score);
  expect(order).toEqual(places);
  expect(truncated).toEqual(passages.flatMap((one, at) => (one.truncated ? [at] : [])));
});

test('the built-in model gives a text in few words, and says so where it can give nothing', async () => {
  test.setTimeout(300_000);
  const text = 'A receipt is a signed note that one job was done. '.repeat(8).trim();
  const summary = await doneByOneCheckedByAnother(
    'text.summarize@1',
    { text, maxWords: 60, maxTokens: 160 },
    'rescore',
  );
  expect(summary.updates.filter(({ type }) => type === 'token').length).toBeGreaterThan(10);
  // Its template hides the turns before the last one, and what it writes names no label: it gives none.
  const labels = [{ label: 'weather' }, { label: 'poem' }];
  expect((await workThrough(asker.page, 'text.classify@1', { text, labels }, 'mesh')).code).toBe('no_label');
  const schema = '{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}';
  const extraction = { text, instruction: 'What is it?', schema, maxTokens: 100 };
  expect((await workThrough(asker.page, 'text.extract@1', extraction, 'mesh')).code).toBe('no_answer_found');
});

test('labels, preferences and audits are scored by a model with a template, and scored again in another tab', async () => {
  test.setTimeout(300_000);
  for (const { page } of [worker, checker]) await take(page, TURNS, 'Answer with', 'answers here');
  await expect
    .poll(() => asker.page.evaluate(() => window.tabmesh!.peers().filter(({ state }) => state !== 'offline').length))
    .toBeGreaterThanOrEqual(2);
  const labels = [{ label: 'node' }, { label: 'receipt' }, { label: 'tab' }];
  const classified = await doneByOneCheckedByAnother(
    'text.classify@1',
    { model: TURNS, text: 'a signed note', labels },
    'outcome',
  );
  expect(classified.output).toMatchObject({
    scoresMilli: [expect.any(Number), expect.any(Number), expect.any(Number)],
  });
  const judged = await doneByOneCheckedByAnother(
    'text.judge@1',
    { model: TURNS, question: 'what is it', first: 'a note', second: 'a bird' },
    'outcome',
  );
  expect(['first', 'second', 'tie']).toContain((judged.output as { preference: string }).preference);
  const audited = await doneByOneCheckedByAnother(
    'text.audit@1',
    { model: TURNS, question: 'hi', answer: 'hello' },
    'outcome',
  );
  expect(['allow', 'deny', 'unsure']).toContain((audited.output as { verdict: string }).verdict);
  expect((audited.output as { scoresMilli: unknown }).scoresMilli).not.toBeNull();
});

test('a patch is judged by its tests, which run in the sandbox of another tab', async () => {
  test.setTimeout(300_000);
  const before = 'export const add = (a, b) => a - b;\n';
  const files = [
    { path: 'math.js', text: before },
    {
      path: 'math.test.js',
      text: "import { test, expect } from 'tabmesh:test';\nimport { add } from './math.js';\ntest('adds', () => expect(add(2, 3)).toBe(5));\n",
    },
  ];
  const input = {
    instruction: 'Fix add.',
    brief: {
      files,
      tests: { files: ['math.test.js'], chosen: ['adds'], declaredFailing: [], others: [], seed: 1 },
      policy: { changeable: ['math.js'], maxFiles: 1, maxLines: 4, mayCreate: false, mayDelete: false, forbidden: [] },
    },
    maxTokens: 100,
  };
  const model = { id: 'writer-1', hash: 'a'.repeat(64), engine: 'scripted' };
  /** What the checker's tab says of a patch that some node committed to. */
  const verdictOn = async (seed: number, text: string): Promise<string> => {
    const claim = await claimOf({
      executor: signerFrom(seed),
      requester: asker.nodeId,
      capability: 'code.patch@1',
      input,
      output: { model, diff: diffOf(files, [{ path: 'math.js', text }, files[1]!]) },
    });
    const { payload, signatures } = claim.commitment;
    const given = {
      payload: [...payload],
      signatures: signatures.map(({ keyId, signature }) => ({ keyId, signature: [...signature] })),
      salt: [...claim.salt],
      input: claim.input,
      output: claim.output,
    };
    return asker.page.evaluate(
      async ([parts, provider]) => {
        const bytes = (list: readonly number[]) => Uint8Array.from(list);
        const claim = {
          commitment: {
            payload: bytes(parts.payload),
            signatures: parts.signatures.map(({ keyId, signature }) => ({ keyId, signature: bytes(signature) })),
          },
          salt: bytes(parts.salt),
          input: parts.input,
          output: parts.output,
        };
        await window.tabmesh!.call('check.outcome@1', claim, { provider });
        const { verdict } = (await window.tabmesh!.call('check.reveal@1', { jobId: 'job-1' }, { provider })) as {
          verdict: { payload: Uint8Array };
        };
        return new TextDecoder('latin1').decode(verdict.payload);
      },
      [given, checker.nodeId] as const,
    );
  };
  expect(await verdictOn(11, before.replace('-', '+'))).toContain('accepted');
  const failing = await verdictOn(12, before.replace('-', '*'));
  expect(failing).toContain('rejected');
  expect(failing).toContain('tests_failing');
  const endless = await verdictOn(13, 'export const add = (a, b) => { for (;;); };\n');
  expect(endless).toContain('tests_failing');
});

test('a person fills in a form, agrees once, and sees the result, its verdict and its route', async () => {
  test.setTimeout(300_000);
  const { page } = asker;
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole('radio', { name: 'Find similar' }).check();
  await expect(page.getByText('2 nodes here do this now.')).toBeVisible();
  await page.getByLabel('Texts to compare it with').fill('a receipt\n\nwhat is a receipt\na bird');
  await page.getByLabel('Text', { exact: true }).fill('what is a receipt');
  await page.getByTestId('task-run').click();
  await page.getByTestId('consent-mesh').getByRole('button', { name: 'Run on the mesh' }).click();
  const result = page.getByTestId('task-result');
  await expect(result.getByTestId('verdict')).toHaveText('Checked by 1, by outcome only', { timeout: 120_000 });
  const rows = result.getByRole('table').getByRole('row');
  await expect(rows).toHaveCount(4);
  await expect(rows.nth(1)).toContainText('what is a receipt');
  await expect(rows.nth(1)).toContainText('1.00');
  await result.getByRole('button', { name: 'Show route' }).click();
  await expect(result.getByTestId('route')).toContainText('the result holds');
  await result.getByRole('button', { name: 'Show checks' }).click();
  await expect(result.getByTestId('check-details')).toContainText('agrees');

  // What is missing is said before anything is sent.
  await page.getByRole('radio', { name: 'Classify' }).check();
  await page.getByLabel('Labels, one a line').fill('only one');
  await page.getByTestId('task-run').click();
  await expect(page.getByRole('alert')).toContainText('between 2 and 16 labels');
  // Work that this device has no model for says so, and what can be done.
  await page.getByRole('radio', { name: 'Rank passages' }).check();
  await page.getByRole('radio', { name: 'Only on this device' }).check();
  await expect(page.getByText('This device has no model for this yet.')).toBeVisible();
  await page.getByTestId('task-run').click();
  await expect(result.getByRole('alert')).toContainText('cannot answer that itself');
  await expectNoFaults(asker);
});

test('what is served is remembered, and is let go when the person says so', async () => {
  test.setTimeout(300_000);
  const { page } = checker;
  await page.reload();
  await page.waitForFunction(() => window.tabmesh !== undefined);
  await page.evaluate(() => window.tabmesh!.ready);
  await expect(cardOf(page, EMBED).getByText('compares texts here')).toBeVisible();
  await page.waitForFunction((id) => window.tabmesh!.status().models.includes(id), EMBED, { timeout: 120_000 });
  await seesOffers(asker.page, 'embed.texts@1', 2);
  await cardOf(page, EMBED)
    .getByRole('button', { name: /Serve .* no longer/ })
    .click();
  await expect(cardOf(page, EMBED).getByRole('button', { name: `Serve ${EMBED}`, exact: true })).toBeVisible();
  await asker.page.waitForFunction(
    (id) => window.tabmesh!.peers().some((peer) => peer.nodeId === id && !peer.capabilities.includes('embed.texts@1')),
    checker.nodeId,
  );
  await expectNoFaults(worker, checker, asker);
});
