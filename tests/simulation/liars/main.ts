import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Browser, type Page } from 'playwright';
import { serveHarness, type HarnessServer } from '#tests/browser/serve-harness';
import { browserLaunch, ensureBrowser } from '#tests/find-browser';
import { ROOT } from '#tests/steps';
import { unwrap } from '#core/base/result';
import { CONDITIONS, type Condition, type ModelName } from './conditions';
import type { LiarsHarness } from './liars.harness';
import { publish } from './publish';
import { openResults, readResults, type Results } from './results';
import type { Row } from './row';

declare global {
  interface Window {
    liars: LiarsHarness;
  }
}

const USAGE = `npm run experiments:liars -- [--only PATTERN] [--share N] [--seed N] [--out FILE] [--publish]

Lets liars of every kind and honest nodes answer with real models in a real browser, checks every answer as
a node does, and writes a line for each to a file. Interrupted at any moment, the next run goes on from that file;
the same seed asks the same questions.

  --only      conditions whose name matches this regular expression
  --share     that share of the answers of each condition, 0 to 1 (default 1)
  --seed      another seed (default 20261129)
  --out       the file of results (default test-results/liars.jsonl)
  --publish   computes the tables and the curve of docs/spec/ from the file, and runs nothing
  --list      names the conditions
`;

const HARNESS = '/tests/simulation/liars/liars.harness.ts';
/** Answers per call of the page: an interruption loses at most so many. */
const BATCH = 5;
/** The software adapter writes and scores slowly. */
const GPU_BATCH = 2;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A page that can judge, and knows the honest answers of earlier runs. */
async function openPage(browser: Browser, server: HarnessServer, known: readonly Row[], seed: number): Promise<Page> {
  const page = await browser.newPage();
  await server.open(page, HARNESS);
  const honest = known.filter(({ answer }) => answer !== undefined);
  await page.evaluate(([rows, from]) => window.liars.remember(rows, from), [honest, seed] as const);
  return page;
}

/** Judges what is left of one condition, a few answers at a time. */
async function measureOne(page: Page, { name, answers, webgpu }: Condition, run: Run): Promise<void> {
  const { results, share, seed } = run;
  const done = new Set(results.rows.filter(({ condition }) => condition === name).map(({ index }) => index));
  const wanted = Array.from({ length: Math.ceil(answers * share) }, (_, index) => index);
  const left = wanted.filter((index) => !done.has(index));
  const size = webgpu === undefined ? BATCH : GPU_BATCH;
  const startedMs = performance.now();
  for (let at = 0; at < left.length; at += size) {
    const indices = left.slice(at, at + size);
    const rows = await page.evaluate(([which, some, from]) => window.liars.judge(which, some, from), [
      name,
      indices,
      seed,
    ] as const);
    results.add(rows);
    const judged = at + indices.length;
    const each = ((performance.now() - startedMs) / judged).toFixed(0);
    say(`${name}: ${wanted.length - left.length + judged} of ${wanted.length}, ${each} ms each`);
  }
}

interface Run {
  readonly results: Results;
  readonly share: number;
  readonly seed: number;
}

/** Judges everything that is left. A condition that breaks is said and left for the next run; gives how many did. */
async function measure(conditions: readonly Condition[], share: number, seed: number, out: string): Promise<number> {
  const server = await serveHarness({ modules: [HARNESS, '/workers/transformers/main.ts'] });
  const browser = await chromium.launch(browserLaunch(['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']));
  try {
    let page = await openPage(browser, server, [], seed);
    const models = new Set<ModelName>(['loom', ...conditions.flatMap(({ other }) => other ?? [])]);
    const hashes = await page.evaluate((names) => window.liars.hashes(names), [...models]);
    const results = unwrap(openResults(out, { seed, hashes }));
    await page.close();
    page = await openPage(browser, server, results.rows, seed);
    let broken = 0;
    for (const condition of conditions) {
      try {
        await measureOne(page, condition, { results, share, seed });
      } catch (error) {
        broken++;
        say(`${condition.name}: broke off: ${error instanceof Error ? error.message.split('\n')[0]! : String(error)}`);
        await page.close();
        page = await openPage(browser, server, results.rows, seed);
      }
    }
    return broken;
  } finally {
    await browser.close();
    await server.close();
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      share: { type: 'string', default: '1' },
      seed: { type: 'string', default: '20261129' },
      out: { type: 'string', default: join(ROOT, 'test-results', 'liars.jsonl') },
      publish: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [share, seed] = [Number(values.share), Number(values.seed)];
  if (values.help || !(share > 0 && share <= 1) || !Number.isSafeInteger(seed)) {
    say(USAGE);
    return values.help ? 0 : 1;
  }
  const conditions = CONDITIONS.filter(({ name }) => new RegExp(values.only).test(name));
  if (values.list) {
    for (const { name, answers } of conditions) say(`${name} (${answers})`);
    return 0;
  }
  if (values.publish) {
    const results = readResults(values.out);
    if (!results.ok) {
      say(results.error.message);
      return 1;
    }
    await publish(results.value.subject, results.value.rows);
    return 0;
  }
  const browser = ensureBrowser();
  if (!browser.ok) {
    say(browser.error.message);
    return 1;
  }
  return (await measure(conditions, share, seed, values.out)) === 0 ? 0 : 1;
}

process.exit(await main());
