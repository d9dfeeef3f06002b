import { createSystemClock } from '#adapters/clock-system/system-clock';
import { openIdbStorage } from '#adapters/storage-idb/open-idb-storage';
import { createVerify } from '#adapters/verify-webcrypto';
import { unwrap } from '#core/base/result';
import { openManifest } from '#core/identity/community';
import { certifiersOf, signCheckpoint, type CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import { createCheckpoints } from '#core/ledger/checkpoints';
import { createLedgerFold, type LedgerFold } from '#core/ledger/fold';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import { addSignature, type Signed } from '#core/wire/signed';
import { createLedgerHistory, foldAll, type LedgerHistory } from '#tests/fakes/ledger-history';
import { nativeSignerNamed } from '#tests/fakes/native-signer';
import { appendsPerSecond, jobsPerSecond, KEEPER, verifiedPerSecond, type Speeds } from './ledger-speeds';

const clock = createSystemClock();
const verify = createVerify();
/** Where the page that measures finds what the page that wrote the logs founded. */
const MANIFEST_KEY = 'bench-manifest';
const CERTIFIED_KEY = 'bench-certified';
/** Jobs whose entries are written together. */
const JOBS_AT_ONCE = 20;
const APPENDS = 40;

export interface Opened {
  readonly ms: number;
  readonly entries: number;
  readonly closings: number;
}

const openStorage = async (): Promise<NodeStorage> => unwrap(await openIdbStorage());

async function openOver(storage: NodeStorage): Promise<Ledger> {
  const manifest = unwrap(await storage.records.get<Signed>(MANIFEST_KEY))!;
  const community = unwrap(await openManifest(manifest, verify));
  const signer = nativeSignerNamed(KEEPER);
  return unwrap(await openLedger({ storage, signer, verify, clock, community, manifest }));
}

let history: LedgerHistory | null = null;
/** What everything that was written means, for the checkpoint. */
let fold: LedgerFold | null = null;
const writtenBy = ({ world }: LedgerHistory): number => world.members.reduce((sum, { head }) => sum + head.length, 0);

const harness = {
  /** Logs of at least so many entries together, as jobs leave them, straight into the store. Returns how many there are. */
  async write(entries: number, members: number): Promise<number> {
    const storage = await openStorage();
    history ??= await createLedgerHistory(members, { signerNamed: nativeSignerNamed, verify });
    const { world } = history;
    fold ??= createLedgerFold(world.community);
    unwrap(await storage.records.set(MANIFEST_KEY, world.manifest));
    for (;;) {
      const taken = history.taken();
      foldAll(
        fold,
        taken.map(({ opened }) => opened),
      );
      for (const { author, from, entries: fresh } of taken)
        unwrap(await storage.logNamed(`${world.community.id}/${author}`).appendAll(from, fresh));
      if (writtenBy(history) >= entries) break;
      for (let job = 0; job < JOBS_AT_ONCE && writtenBy(history) < entries; job++) await history.job();
    }
    storage.close();
    return writtenBy(history);
  },
  /** A checkpoint over everything that was written, as a ledger keeps its own. Returns the characters of its record. */
  async checkpoint(): Promise<number> {
    const { world } = history!;
    const storage = await openStorage();
    const logs = new Map(world.members.map((member) => [member.nodeId, member]));
    await createCheckpoints(storage.records, world.community.id).write(logs, fold!);
    const kept = unwrap(await storage.records.get<string>(`ledger-checkpoint/${world.community.id}`))!;
    storage.close();
    return kept.length;
  },
  async dropCheckpoint(): Promise<void> {
    const storage = await openStorage();
    unwrap(await storage.records.delete(`ledger-checkpoint/${history!.world.community.id}`));
    storage.close();
  },
  /** Opens the ledger, from the checkpoint where there is one. Throws where an entry broke a rule. */
  async open(): Promise<Opened> {
    const startedMs = performance.now();
    const storage = await openStorage();
    const ledger = await openOver(storage);
    const ms = performance.now() - startedMs;
    const { refusals, closingByReservation } = ledger.state;
    if (refusals.length > 0) throw new Error(refusals[0]!.sentence);
    const entries = ledger.heads().reduce((sum, { length }) => sum + length, 0);
    storage.close();
    return { ms, entries, closings: closingByReservation.size };
  },
  /** Milliseconds of each of some appends, one after the other, over the logs that are there. */
  async appendOver(): Promise<readonly number[]> {
    const storage = await openStorage();
    const keeper = nativeSignerNamed(KEEPER).nodeId;
    // The keeper's own log lies elsewhere, so that what is measured next finds the logs as they were.
    const scratch = storage.logNamed(`scratch-${crypto.randomUUID()}`);
    const ledger = await openOver({
      ...storage,
      logNamed: (name) => (name.endsWith(keeper) ? scratch : storage.logNamed(name)),
    });
    const took: number[] = [];
    for (let at = 0; at < APPENDS; at++) {
      const startedMs = performance.now();
      unwrap(await ledger.append({ kind: 'contribution.decided', on: at % 2 === 0 }));
      took.push(performance.now() - startedMs);
    }
    await ledger.settled();
    storage.close();
    return took;
  },
  /** Has what is held certified, as witnesses do for whoever comes new. Milliseconds of the first of them, and bytes. */
  async certify(): Promise<{ readonly ms: number; readonly bytes: number }> {
    const { world } = history!;
    const storage = await openStorage();
    const ledger = await openOver(storage);
    const startedMs = performance.now();
    const [first, ...others] = certifiersOf(world.community).map((witness) => world.byId(witness).signer);
    const { signed, packed } = unwrap(await signCheckpoint(first!, world.community, ledger.checkpoint()!, clock.now()));
    const ms = performance.now() - startedMs;
    let all = signed;
    for (const other of others) all = await addSignature(other, all);
    unwrap(await storage.records.set(CERTIFIED_KEY, { signed: all, packed } satisfies CertifiedCheckpoint));
    storage.close();
    return { ms, bytes: packed.length };
  },
  /** A ledger of a node that holds nothing goes on from what was certified: milliseconds. */
  async begin(): Promise<Opened> {
    const holder = await openStorage();
    const certified = unwrap(await holder.records.get<CertifiedCheckpoint>(CERTIFIED_KEY))!;
    const manifest = unwrap(await holder.records.get<Signed>(MANIFEST_KEY))!;
    holder.close();
    const storage = unwrap(await openIdbStorage({ name: `newcomer-${crypto.randomUUID()}` }));
    unwrap(await storage.records.set(MANIFEST_KEY, manifest));
    const ledger = await openOver(storage);
    const startedMs = performance.now();
    unwrap(await ledger.begin(certified));
    const ms = performance.now() - startedMs;
    const entries = ledger.heads().reduce((sum, { length }) => sum + length, 0);
    const closings = ledger.state.closingByReservation.size;
    await ledger.settled();
    unwrap(await storage.destroy());
    return { ms, entries, closings };
  },
  speeds: async (quick: boolean): Promise<Speeds> => {
    const deps = { signerNamed: nativeSignerNamed, verify, clock };
    const storage = async (name: string) => unwrap(await openIdbStorage({ name }));
    return {
      ...(await appendsPerSecond(deps, storage, quick)),
      ...(await verifiedPerSecond(deps, quick)),
      ...(await jobsPerSecond(deps, storage, quick)),
    };
  },
};

export type LedgerHarness = typeof harness;

declare global {
  interface Window {
    ledgerBench: LedgerHarness;
  }
}
window.ledgerBench = harness;
