import { setTimeout as after } from 'node:timers/promises';
import type { Page } from 'playwright';
import { createSeededChance } from '#adapters/chance-seeded';
import { fromBase64 } from '#core/base/bytes';
import { EMPTY_HEAD, continues } from '#core/ledger/chain';
import { openLedgerEntry } from '#core/ledger/open-event';
import { replayLedgerFile } from '#core/ledger/replay';
import { serveHarness } from '#tests/browser/serve-harness';
import { createKillableProfile } from './killable-browser';
import type { Promised, Shown } from './kills.harness';
import { oldLogOf } from './old-log';
import { createOutside, SELF, type Losses, type Outside } from './outside';

const MODULE = '/tests/kills/kills.harness.ts';
/** What the node is at when it is killed. */
export const PHASES = ['append', 'settlement', 'migration'] as const;
export type Phase = (typeof PHASES)[number];

/** After this many rounds the ledger is exported, replayed from nothing, and another one is begun: so no round gets slower. */
const ROUNDS_PER_LEDGER = 40;
/** Promises that are waited for at most before the kill. */
const MOST_PROMISES: Readonly<Record<Phase, number>> = { append: 60, settlement: 40, migration: 14 };
const MAX_MORE_MS = 12;
/** A migration may also be killed before it wrote anything: while the database itself is upgraded. */
const MAX_OPENING_MS = 60;
const OLD_ENTRIES = 30;

export interface KillReport {
  readonly seed: number;
  readonly rounds: number;
  readonly killsDuring: Readonly<Record<Phase, number>>;
  /** Entries that were promised, own and received, and migrated. */
  readonly promised: number;
  readonly settled: number;
  readonly losses: Losses;
}

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  say?(line: string): void;
}

interface OldDatabase {
  readonly name: string;
  readonly log: Awaited<ReturnType<typeof oldLogOf>>;
  readonly stored: Map<number, string>;
}

/**
 * Kills a real browser again and again while a node writes its ledger into it, starts it again over the same profile, and holds what is
 * there against everything that was promised. Ends at the first loss. What the operating system has taken from the browser survives, so
 * this shows what a crash costs and not what a power cut costs.
 */
export async function killRounds({ rounds, seed, say = () => {} }: KillOptions): Promise<KillReport> {
  const chance = createSeededChance(seed);
  const below = (limit: number): number => {
    const bytes = chance.bytes(4);
    return (((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0) % limit;
  };
  const killsDuring: Record<Phase, number> = { append: 0, settlement: 0, migration: 0 };
  const losses: string[] = [];
  let promised = 0;
  let settled = 0;
  const server = await serveHarness({ modules: [MODULE] });
  try {
    for (let round = 0; round < rounds && losses.length === 0;) {
      const outside = await createOutside();
      const count = Math.min(ROUNDS_PER_LEDGER, rounds - round);
      const told = await oneLedger(outside, round, count);
      promised += told + outside.promisedCount;
      settled += outside.settledCount;
      round += count;
    }
  } finally {
    await server.close();
  }
  return { seed, rounds, killsDuring, promised, settled, losses };

  /** One profile from its first start to its last. Returns how many entries old logs gave. */
  async function oneLedger(outside: Outside, firstRound: number, count: number): Promise<number> {
    const profile = await createKillableProfile();
    let old: OldDatabase | null = null;
    let moved = 0;
    /** Every promise that the browser which runs now made and that was heard. */
    let heard: Promised[] = [];
    let onHeard = (): void => {};

    const start = async () => {
      const { context, kill } = await profile.launch();
      const page = context.pages()[0] ?? (await context.newPage());
      heard = [];
      await page.exposeFunction('promised', (what: Promised) => {
        heard.push(what);
        onHeard();
      });
      await server.open(page, MODULE);
      return { page, kill };
    };
    const heardAtLeast = (least: number): Promise<void> =>
      new Promise((resolve) => {
        onHeard = () => {
          if (heard.length >= least) resolve();
        };
        onHeard();
      });

    /** Lets the work run until the moment comes, then kills. A fault of the work before that is a fault. */
    async function killIn(phase: Phase, work: Promise<unknown>, kill: () => Promise<void>): Promise<void> {
      let dead = false;
      const guarded = work.catch((error: unknown) => {
        if (!dead) throw error;
      });
      const least = phase === 'migration' ? below(MOST_PROMISES.migration + 1) : 1 + below(MOST_PROMISES[phase]);
      const moreMs = below(least === 0 ? MAX_OPENING_MS : MAX_MORE_MS);
      const moment = heardAtLeast(least).then(() => after(moreMs));
      await Promise.race([moment, guarded.then(() => moment)]);
      dead = true;
      await kill();
      await guarded;
      killsDuring[phase] += 1;
    }

    try {
      for (let turn = 0; turn <= count; turn++) {
        const { page, kill } = await start();
        const ledger = pageOf(page);
        if (old !== null) {
          losses.push(...(await checkOld(page, outside, old)));
          moved += old.stored.size;
          old = null;
        }
        await page.evaluate((options) => window.kills.open(options), { manifest: outside.manifest, self: SELF });
        const shown = await page.evaluate(() => window.kills.shown());
        losses.push(...(await outside.check(ledger, shown)));
        if (losses.length > 0 || turn === count) {
          if (losses.length === 0) losses.push(...(await checkFile(page, outside, shown)));
          await kill();
          break;
        }
        if (turn === 0) await outside.welcome(ledger);
        const phase = PHASES[below(PHASES.length)]!;
        say(
          `round ${firstRound + turn + 1}: ${phase}, ${shown.heads.reduce((sum, { length }) => sum + length, 0)} entries`,
        );
        // What was promised before the work began is promised as well, but does not bring the kill closer.
        for (const one of heard.splice(0)) outside.note(one);
        if (phase === 'migration') {
          const log = await oldLogOf(outside.signer, OLD_ENTRIES);
          old = { name: `old-${firstRound + turn}`, log, stored: new Map() };
          await page.evaluate(([name, entries]) => window.kills.makeOldDatabase(name, entries), [
            old.name,
            log.entries,
          ] as const);
          const options = { manifest: outside.manifest, self: SELF, database: old.name, tellWrites: true };
          const work = page.evaluate((given) => window.kills.open(given), options);
          await killIn(phase, work, kill);
        } else if (phase === 'append') {
          const work = page.evaluate((atOnce) => window.kills.appendForever(atOnce), 1 + below(8));
          await killIn(phase, work, kill);
        } else {
          let going = true;
          const work = (async () => {
            for (let job = turn; going; job++) await outside.settle(ledger, job);
          })();
          await killIn(phase, work, async () => {
            going = false;
            await kill();
          });
        }
        for (const one of heard) {
          if (one.kind === 'stored') old!.stored.set(one.position, one.bytes);
          else outside.note(one);
        }
      }
    } finally {
      await profile.remove();
    }
    return moved;
  }
}

const pageOf = (page: Page) => ({
  append: (event: string, refs: readonly { author: string; seq: number; id: string }[]) =>
    page.evaluate(([one, others]) => window.kills.append(one, others), [event, refs] as const),
  receive: (author: string, from: number, entries: readonly string[]) =>
    page.evaluate(([who, at, given]) => window.kills.receive(who, at, given), [author, from, entries] as const),
  bytesOf: (author: string, from: number) =>
    page.evaluate(([who, at]) => window.kills.bytesOf(who, at), [author, from] as const),
});

/** Opens the database that was killed as it was brought to this version, and looks whether its receipts came over whole, and once. */
async function checkOld(
  page: Page,
  { manifest, community, self, verify }: Outside,
  { name, log, stored }: OldDatabase,
): Promise<Losses> {
  const losses: string[] = [];
  await page.evaluate((options) => window.kills.open(options), { manifest, self: SELF, database: name });
  const shown = await page.evaluate(() => window.kills.shown());
  const own = await page.evaluate((author) => window.kills.bytesOf(author, 0), self);
  let head = EMPTY_HEAD;
  for (const text of own) {
    const entry = await openLedgerEntry(fromBase64(text)!, verify);
    const next = entry.ok ? continues(head, { community, author: self }, entry.value) : entry;
    if (!next.ok) return [`After the migration the log is broken: ${next.error.message}`];
    head = next.value;
  }
  for (const [position, bytes] of stored)
    if (own[position] !== bytes) losses.push(`Entry ${position} was written by the migration, and is gone or another.`);
  if (shown.receipts.join() !== log.receipts.join()) losses.push('The migration lost receipts.');
  if (own.length !== log.receipts.length)
    losses.push(`The migration took ${log.receipts.length} receipts over in ${own.length} entries.`);
  const before = await page.evaluate(() => window.kills.oldLog());
  if (before.join() !== log.entries.join()) losses.push('The migration changed the log that it read.');
  await page.evaluate(() => window.kills.destroy());
  return losses;
}

/** Everything once more, from the exported file and from nothing. */
async function checkFile(page: Page, { verify }: Outside, { digest }: Shown): Promise<Losses> {
  const replayed = await replayLedgerFile(await page.evaluate(() => window.kills.export()), verify);
  if (!replayed.ok) return [`The exported ledger does not replay: ${replayed.error.message}`];
  return replayed.value.digest === digest ? [] : ['The exported ledger replays to another state.'];
}
