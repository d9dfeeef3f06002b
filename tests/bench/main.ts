import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { buildApp, needsBuild } from '#signaling/app-build';
import { serveApp } from '#tests/e2e/serve-app';
import { browserLaunch, ensureBrowser } from '#tests/find-browser';
import { ROOT } from '#tests/steps';
import type { Bar, Bench, BenchSurroundings } from './bench';
import { rounded } from './figures';
import { deviceLoss } from './device-loss';
import { draws } from './draws';
import { engine } from './engine';
import { firstLoad } from './first-load';
import { handOver } from './hand-over';
import { ledger, ledgerLengths } from './ledger';
import { ledgerPage } from './ledger-page';
import { lengths } from './lengths';
import { loading } from './loading';
import { memoryJobs } from './memory-jobs';
import { online } from './online';
import { pageTasks } from './page-tasks';
import { renderReport, type BenchEntry, type BenchReport, type Machine } from './report';
import { spark } from './spark';
import { stopping } from './stopping';
import { tabJobs } from './tab-jobs';
import { tabTakeOver } from './take-over';
import { vocabulary } from './vocabulary';

const BENCHES: readonly Bench[] = [
  firstLoad,
  online,
  memoryJobs,
  tabJobs,
  engine,
  lengths,
  draws,
  vocabulary,
  loading,
  stopping,
  deviceLoss,
  spark,
  pageTasks,
  handOver,
  tabTakeOver,
  ledger,
  ledgerLengths,
  ledgerPage,
];
const NAMES = BENCHES.map((bench) => bench.name).join(', ');

/** Several times what the slowest takes on two busy cores: a bench that is still at it then hangs. */
const MAX_BENCH_MS = 8 * 60_000;

const USAGE = `npm run bench -- [--json] [--only name,name] [--quick]

  --json   one JSON object on standard output and nothing else
  --only   just these: ${NAMES}
  --quick  few rounds, to see that everything runs
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface Wanted {
  readonly json: boolean;
  readonly quick: boolean;
  readonly benches: readonly Bench[];
}

/** What the words on the command line ask for; throws with a sentence on words that nobody knows. */
function readArguments(args: readonly string[]): Wanted | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  const names = values.only?.split(',').map((name) => name.trim());
  const unknown = names?.filter((name) => !BENCHES.some((bench) => bench.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`There is no bench ${unknown.join(', ')}. There are: ${NAMES}.`);
  return {
    json: values.json,
    quick: values.quick,
    benches: names ? BENCHES.filter((bench) => names.includes(bench.name)) : BENCHES,
  };
}

async function describeMachine(): Promise<Machine> {
  const browser = await chromium.launch(browserLaunch());
  const version = browser.version();
  await browser.close();
  const processors = cpus();
  return {
    cores: processors.length,
    processor: processors[0]?.model.trim() ?? 'unknown',
    memoryGb: rounded(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    browser: `headless Chromium ${version}`,
  };
}

async function runOne(
  bench: Bench,
  surroundings: BenchSurroundings,
): Promise<{ entry: BenchEntry; bars: readonly Bar[] }> {
  const startedMs = performance.now();
  const loadBefore = rounded(loadavg()[0] ?? 0, 2);
  say(`${bench.name}: ${bench.title}`);
  const base = { title: bench.title, loadBefore };
  const tookSeconds = () => rounded((performance.now() - startedMs) / 1000, 1);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('It did not end.')), MAX_BENCH_MS);
  });
  try {
    const running = bench.run({ ...surroundings, say: (line) => say(`  ${line}`) });
    const { figures, bars } = await Promise.race([running, tooLong]);
    return { entry: { ...base, tookSeconds: tookSeconds(), figures, error: null }, bars };
  } catch (error) {
    say(`  could not run: ${sentenceOf(error)}`);
    return { entry: { ...base, tookSeconds: tookSeconds(), figures: null, error: sentenceOf(error) }, bars: [] };
  } finally {
    clearTimeout(timer);
  }
}

/** The exit code: 0 when every bench ran, whatever its figures are. */
async function main(args: readonly string[]): Promise<number> {
  let wanted: Wanted | 'help';
  try {
    wanted = readArguments(args);
  } catch (error) {
    say(`${sentenceOf(error)}\n\n${USAGE}`);
    return 1;
  }
  if (wanted === 'help') {
    say(USAGE);
    return 0;
  }
  const found = ensureBrowser();
  if (!found.ok) {
    say(found.error.message);
    return 1;
  }
  if (await needsBuild(ROOT)) {
    say('Building the app …');
    const built = await buildApp(ROOT);
    if (!built.ok) {
      say(built.error.message);
      return 1;
    }
  }

  const startedAt = new Date().toISOString();
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
  const machine = await describeMachine();
  const benches: Record<string, BenchEntry> = {};
  const bars: Bar[] = [];
  for (const bench of wanted.benches) {
    // A server of its own for each: nobody who was there before is dialled.
    const app = await serveApp();
    try {
      const { entry, bars: answered } = await runOne(bench, { origin: app.origin, quick: wanted.quick, say });
      benches[bench.name] = entry;
      bars.push(...answered);
    } finally {
      await app.close();
    }
  }
  const failed = Object.keys(benches).filter((name) => benches[name]?.error !== null);
  const report: BenchReport = { version, startedAt, quick: wanted.quick, machine, benches, bars, failed };
  const text = wanted.json ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report, wanted.benches);
  await new Promise((resolve) => process.stdout.write(text, resolve));
  return failed.length === 0 ? 0 : 1;
}

// Standard output belongs to the report; what others print while it is made is for the person.
console.log = console.error;
// Ends whatever a bench that failed left open, browsers included.
process.exit(await main(process.argv.slice(2)));
