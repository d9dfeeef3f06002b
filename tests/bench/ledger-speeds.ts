import type { Clock } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createLedgerFold } from '#core/ledger/fold';
import { openLedger } from '#core/ledger/ledger';
import { openLedgerEntry } from '#core/ledger/open-event';
import type { NodeStorage } from '#core/storage/ports';
import {
  createLedgerHistory,
  foldAll,
  type HistoryKeys,
  type LedgerHistory,
  type TakenLog,
} from '#tests/fakes/ledger-history';
import { median, rounded, severalAtOnce } from './figures';

export interface SpeedDeps extends HistoryKeys {
  readonly clock: Clock;
}

/** An empty storage of that name. */
type OpenStorage = (name: string) => Promise<NodeStorage>;

export type Speeds = Awaited<ReturnType<typeof appendsPerSecond>> &
  Awaited<ReturnType<typeof verifiedPerSecond>> &
  Awaited<ReturnType<typeof jobsPerSecond>>;

/** Whose ledger it is: a node that takes part in no job. */
export const KEEPER = 'keeper';
const MEMBERS = 8;
const ROUNDS = 3;
const IN_FLIGHT = 64;

const secondsOf = async (run: () => Promise<void> | void): Promise<number> => {
  const startedMs = performance.now();
  await run();
  return (performance.now() - startedMs) / 1_000;
};

async function openEmpty(deps: SpeedDeps, storage: NodeStorage, { world }: LedgerHistory) {
  const { community, manifest } = world;
  const { signerNamed, verify, clock } = deps;
  return unwrap(await openLedger({ storage, signer: signerNamed(KEEPER), verify, clock, community, manifest }));
}

/** Own entries that are strictly committed when their append resolves: one after the other, and with many in flight. */
export async function appendsPerSecond(deps: SpeedDeps, openStorage: OpenStorage, quick: boolean) {
  const [alone, together] = quick ? [20, 128] : [200, 1_280];
  const history = await createLedgerHistory(MEMBERS, deps);
  const rates: { alone: number[]; together: number[] } = { alone: [], together: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const storage = await openStorage(`appends-${round}`);
    const ledger = await openEmpty(deps, storage, history);
    const append = async (at: number): Promise<void> => {
      unwrap(await ledger.append({ kind: 'contribution.decided', on: at % 2 === 0 }));
    };
    rates.alone.push(alone / (await secondsOf(() => severalAtOnce(alone, 1, append))));
    rates.together.push(together / (await secondsOf(() => severalAtOnce(together, IN_FLIGHT, append))));
    await ledger.settled();
    unwrap(await storage.destroy());
  }
  return {
    appendsPerSecond: rounded(median(rates.alone)),
    appendsPerSecond64InFlight: rounded(median(rates.together)),
  };
}

/** A history of some jobs, its papers taken apart from what came before the first job. */
async function someJobs(deps: SpeedDeps, jobs: number) {
  const history = await createLedgerHistory(MEMBERS, deps);
  const papers = history.taken();
  for (let job = 0; job < jobs; job++) await history.job();
  return { history, papers, logs: history.taken() };
}

/** Entries from their bytes as the fold takes them, every signature in them checked; half a thousand at once, as a ledger opens. */
export async function verifiedPerSecond(deps: SpeedDeps, quick: boolean) {
  const { logs } = await someJobs(deps, quick ? 4 : 28);
  const entries = logs.flatMap((log) => log.entries);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const seconds = await secondsOf(async () => {
      for (const opened of await Promise.all(entries.map((bytes) => openLedgerEntry(bytes, deps.verify))))
        unwrap(opened);
    });
    rates.push(entries.length / seconds);
  }
  return {
    verifiedEventsPerSecond: rounded(median(rates)),
    bytesPerEvent: rounded(entries.reduce((sum, { length }) => sum + length, 0) / entries.length),
  };
}

/** Paid and checked jobs, all their entries: through the fold alone, and as a node takes them from others. */
export async function jobsPerSecond(deps: SpeedDeps, openStorage: OpenStorage, quick: boolean) {
  const jobs = quick ? 4 : 28;
  const { history, papers, logs } = await someJobs(deps, jobs);
  const { community } = history.world;
  const folded: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const fold = createLedgerFold(community);
    foldAll(
      fold,
      papers.map((log) => log.opened),
    );
    const seconds = await secondsOf(() =>
      foldAll(
        fold,
        logs.map((log) => log.opened),
      ),
    );
    if (fold.state.closingByReservation.size !== jobs) throw new Error('Not every job was settled.');
    folded.push(jobs / seconds);
  }
  const received: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const storage = await openStorage(`jobs-${round}`);
    const ledger = await openEmpty(deps, storage, history);
    const take = async (taken: readonly TakenLog[]): Promise<void> => {
      for (const { author, from, entries } of taken) unwrap(await ledger.receive(author, from, entries));
    };
    await take(papers);
    const seconds = await secondsOf(() => take(logs));
    if (ledger.state.closingByReservation.size !== jobs) throw new Error('Not every job was settled.');
    received.push(jobs / seconds);
    await ledger.settled();
    unwrap(await storage.destroy());
  }
  return {
    settledPerSecondInTheFold: rounded(median(folded)),
    settledPerSecondReceived: rounded(median(received), 1),
  };
}
