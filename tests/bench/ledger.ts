import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { openFsStorage } from '#adapters/storage-fs';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { serveHarness } from '#tests/browser/serve-harness';
import { nativeSignerNamed } from '#tests/fakes/native-signer';
import { atMost, type Bench } from './bench';
import { medianMs, rounded } from './figures';
import type { Opened } from './ledger.harness';
import { appendsPerSecond, jobsPerSecond, verifiedPerSecond, type Speeds } from './ledger-speeds';
import { openProfile } from './profiles';

const MODULE = '/tests/bench/ledger.harness.ts';
const MEMBERS = 100;
const MAX_OPEN_MS = 2_000;

/** Runs with pages of one profile on disk; everything is gone afterwards. */
async function withLedgerPages<T>(run: (openPage: () => Promise<Page>) => Promise<T>): Promise<T> {
  const server = await serveHarness({ modules: [MODULE] });
  const { context, close } = await openProfile();
  try {
    return await run(async () => {
      const page = await context.newPage();
      await server.open(page, MODULE);
      return page;
    });
  } finally {
    await close();
    await server.close();
  }
}

async function speedsInNode(quick: boolean): Promise<Speeds> {
  const folder = await mkdtemp(join(tmpdir(), 'tabmesh-bench-'));
  const deps = { signerNamed: nativeSignerNamed, verify: createVerify(), clock: createSystemClock() };
  const storage = async (name: string) => unwrap(await openFsStorage(join(folder, name)));
  try {
    return {
      ...(await appendsPerSecond(deps, storage, quick)),
      ...(await verifiedPerSecond(deps, quick)),
      ...(await jobsPerSecond(deps, storage, quick)),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const named = (prefix: string, speeds: Speeds): Record<string, number> =>
  Object.fromEntries(
    Object.entries(speeds).map(([name, value]) => [`${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`, value]),
  );

/** The ledger's work per second, in a tab and in Node. */
export const ledger: Bench = {
  name: 'ledger',
  title: 'The ledger: appends, checks and settlements per second',
  async run({ quick, say }) {
    say('in a tab, over IndexedDB');
    const tab = await withLedgerPages(async (openPage) => {
      const page = await openPage();
      return page.evaluate((few) => window.ledgerBench.speeds(few), quick);
    });
    say('in Node, over files');
    const node = await speedsInNode(quick);
    return { figures: { ...named('tab', tab), ...named('node', node) }, bars: [] };
  },
};

/** What opening a ledger and writing into it costs when its logs are long: each opening in a page of its own. */
export const ledgerLengths: Bench = {
  name: 'ledger-lengths',
  title: 'The ledger: opening and appending when logs are long',
  async run({ quick, say }) {
    const lengths = quick ? [500, 1_000] : [1_000, 10_000, 100_000];
    const rounds = quick ? 2 : 5;
    const figures: Record<string, number> = {};
    let longestMs = 0;
    let begunMs = 0;
    await withLedgerPages(async (openPage) => {
      const writer = await openPage();
      const open = async (): Promise<Opened> => {
        const page = await openPage();
        const opened = await page.evaluate(() => window.ledgerBench.open());
        await page.close();
        return opened;
      };
      for (const [index, length] of lengths.entries()) {
        say(`${length} entries`);
        const write = (entries: number) =>
          writer.evaluate(([least, members]) => window.ledgerBench.write(least, members), [entries, MEMBERS] as const);
        const written = await write(length);
        const last = index === lengths.length - 1;
        await writer.evaluate(() => window.ledgerBench.dropCheckpoint());
        figures[`coldMs${length}`] = rounded((await open()).ms);
        figures[`checkpointBytes${length}`] = await writer.evaluate(() => window.ledgerBench.checkpoint());
        const took: number[] = [];
        for (let round = 0; round < rounds; round++) {
          const opened = await open();
          if (opened.entries !== written) throw new Error('The ledger does not hold what was written.');
          took.push(opened.ms);
        }
        longestMs = medianMs(took);
        figures[`openMs${length}`] = longestMs;
        const page = await openPage();
        const certified = await writer.evaluate(() => window.ledgerBench.certify());
        figures[`certifyMs${length}`] = rounded(certified.ms);
        figures[`certifiedBytes${length}`] = certified.bytes;
        const newcomer = await openPage();
        const begun = await newcomer.evaluate(() => window.ledgerBench.begin());
        await newcomer.close();
        if (begun.entries !== written) throw new Error('The newcomer does not go on from what was written.');
        begunMs = rounded(begun.ms);
        figures[`begunMs${length}`] = begunMs;
        figures[`appendMs${length}`] = medianMs(await page.evaluate(() => window.ledgerBench.appendOver()));
        await page.close();
        if (last) {
          await write(written + 1_000);
          figures['openMsWith1000Behind'] = rounded((await open()).ms);
        }
      }
    });
    return {
      figures,
      bars: quick
        ? []
        : [
            atMost('opening 100,000 events from a checkpoint in a tab', longestMs, MAX_OPEN_MS, 'ms'),
            atMost('a new node going on from a certified checkpoint of 100,000 events', begunMs, MAX_OPEN_MS, 'ms'),
          ],
    };
  },
};
