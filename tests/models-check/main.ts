import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Browser } from 'playwright';
import { renderCatalogue } from '#cli/render-catalogue';
import { fail, type Result } from '#core/base/result';
import {
  manifestHashOf,
  modelCatalogueSchema,
  type ModelCatalogue,
  type ModelManifest,
} from '#core/engines/model-manifest';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { serveHarness, type HarnessServer } from '#tests/browser/serve-harness';
import { browserLaunch, ensureBrowser } from '#tests/find-browser';
import { ROOT } from '#tests/steps';
import type { ModelCheck, ModelsCheckHarness } from './check.harness';
import { isFit, renderTable, type CheckedModel } from './report';

declare global {
  interface Window {
    modelsCheck: ModelsCheckHarness;
  }
}

const USAGE = `npm run models:check -- [--write] [--headed] [--file FILE] [model …]

Runs each chat model of the catalogue in a real browser by the app's own workers: downloads it, lets it
answer four questions greedily, scores the answers back, compares with the catalogue's golden transcripts, measures.

  --write   stores the transcripts of models that are fit and pinned in the catalogue, as golden
  --headed  opens a window: where a browser without one is given no graphics processor
  --file    another catalogue than static/models/catalogue.json
`;

const CATALOGUE = join(ROOT, 'static', 'models', 'catalogue.json');
const MAX_CATALOGUE_BYTES = 4 * 1024 * 1024;
const HARNESS = '/tests/models-check/check.harness.ts';
/** A model of some gigabytes over a slow line, with room; whatever takes longer hangs. */
const DEADLINE_MS = 45 * 60_000;
const GPU_FLAGS = ['--enable-unsafe-webgpu', '--ignore-gpu-blocklist', '--enable-features=Vulkan'];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function readCatalogue(path: string): Promise<Result<ModelCatalogue>> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return fail('no_catalogue', `There is no catalogue of models at ${path}: nothing to check.`);
  return parseJsonThrough(modelCatalogueSchema, text, MAX_CATALOGUE_BYTES);
}

const hostOf = ({ source }: ModelManifest): string | null => (source.kind === 'hub' ? 'huggingface.co' : null);

/** One model in a page of its own; what hangs is left behind with the page. */
async function checkOne(browser: Browser, server: HarnessServer, manifest: ModelManifest): Promise<Result<ModelCheck>> {
  const page = await browser.newPage();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Result<ModelCheck>>((resolve) => {
    const minutes = DEADLINE_MS / 60_000;
    timer = setTimeout(() => resolve(fail('too_slow', `It was not done after ${minutes} minutes.`)), DEADLINE_MS);
  });
  const run = async (): Promise<Result<ModelCheck>> => {
    await server.open(page, HARNESS);
    return page.evaluate((one) => window.modelsCheck.check(one), manifest);
  };
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    return fail('browser_failed', error instanceof Error ? error.message.split('\n')[0]! : String(error));
  } finally {
    clearTimeout(timer);
    await page.close().catch(() => {});
  }
}

async function checkAll(models: readonly ModelManifest[], headless: boolean): Promise<readonly CheckedModel[]> {
  const browser = await chromium.launch({ ...browserLaunch(GPU_FLAGS), headless });
  const server = await serveHarness({
    modules: [HARNESS, '/workers/transformers/main.ts', '/workers/web-llm/main.ts'],
  });
  const checked: CheckedModel[] = [];
  const unreachable = new Map<string, Result<never>>();
  try {
    for (const manifest of models) {
      const host = hostOf(manifest);
      const result = (host === null ? undefined : unreachable.get(host)) ?? (await checkOne(browser, server, manifest));
      if (!result.ok && result.error.code === 'offline' && host !== null) unreachable.set(host, result);
      checked.push({ manifest, result });
      say(result.ok ? `${manifest.id}: checked.` : `${manifest.id}: not checked: ${result.error.message}`);
    }
  } finally {
    await browser.close();
    await server.close();
  }
  return checked;
}

/** The catalogue with the transcripts of every model that is fit, and of which it is known which files gave them. */
function withGolden(catalogue: ModelCatalogue, checked: readonly CheckedModel[]): ModelCatalogue {
  return {
    ...catalogue,
    models: catalogue.models.map((manifest) => {
      const found = checked.find((one) => one.manifest.id === manifest.id);
      if (found === undefined || !found.result.ok || !isFit(found)) return manifest;
      if (manifestHashOf(manifest) === null) {
        say(`${manifest.id}: its transcripts are not kept, since its files are not pinned (npm run models:pin).`);
        return manifest;
      }
      return { ...manifest, golden: [...found.result.value.golden] };
    }),
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: 'boolean', default: false },
      headed: { type: 'boolean', default: false },
      file: { type: 'string', default: CATALOGUE },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const catalogue = await readCatalogue(values.file);
  if (!catalogue.ok) {
    say(catalogue.error.message);
    return 1;
  }
  const { models } = catalogue.value;
  const strange = positionals.filter((id) => !models.some((one) => one.id === id));
  if (strange.length > 0) {
    say(`The catalogue has no model ${strange.join(', ')}.`);
    return 1;
  }
  const browser = ensureBrowser();
  if (!browser.ok) {
    say(browser.error.message);
    return 1;
  }
  const wanted = models.filter(
    ({ id, tasks }) => tasks.includes('chat') && (positionals.length === 0 || positionals.includes(id)),
  );
  const checked = await checkAll(wanted, !values.headed);
  say(`\n${renderTable(checked)}`);
  if (values.write) await writeFile(values.file, renderCatalogue(withGolden(catalogue.value, checked)));
  return checked.length > 0 && checked.every(isFit) ? 0 : 1;
}

process.exit(await main());
