import type { Clock, Signer, Verify } from '#core/base/ports';
import type { Bus } from '#core/bus/bus';
import {
  certifiersOf,
  openCertified,
  signCheckpoint,
  type CertifiedCheckpoint,
} from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { quorumOf } from '#core/ledger/witnesses';
import type { KeyValueStore } from '#core/storage/ports';
import { equalBytes } from '#core/base/bytes';
import { witnessCheckpoint } from '#services/witness-checkpoint/contract';

/** Fewer new entries are fetched and replayed sooner than a checkpoint is. */
export const LEAST_NEW_ENTRIES = 1_000;
/** And this part of what the last one covers: to write all of it down costs what is old, and should not come often. */
const LEAST_NEW_PART = 0.1;
/** Without a new entry for so long all witnesses most likely hold the same. Each of the manifest waits once longer than the one before it. */
const QUIET_MS = 5_000;
/** So long after it was last asked for it stays in memory: megabytes, where a ledger is long. */
const IN_MEMORY_MS = 30_000;

export interface CheckpointingDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly records: KeyValueStore;
  readonly ledger: Ledger;
  readonly bus: Bus;
}

/** Has checkpoints certified where this node is a witness of the manifest, and keeps the latest for whoever comes new. */
export interface Checkpointing {
  /** The latest that is held. */
  latest(): Promise<CertifiedCheckpoint | null>;
  /** One that was found to be certified. Where it cannot be kept, others have it. */
  keep(certified: CertifiedCheckpoint): Promise<void>;
  stop(): void;
}

export function startCheckpointing({ signer, verify, clock, records, ledger, bus }: CheckpointingDeps): Checkpointing {
  const { community } = ledger;
  const key = `ledger-certified/${community.id}`;
  const certifiers = certifiersOf(community);
  const rank = certifiers.indexOf(signer.nodeId);
  let covered: number | null = null;
  let stopTimer = (): void => {};
  let busy = false;
  let stopped = false;

  /** It is asked for in parts, one after the other. */
  let inMemory: CertifiedCheckpoint | null = null;
  let stopForgetting = (): void => {};

  async function latest(): Promise<CertifiedCheckpoint | null> {
    if (inMemory === null) {
      const kept = await records.get<CertifiedCheckpoint>(key);
      inMemory = kept.ok ? (kept.value ?? null) : null;
    }
    stopForgetting();
    stopForgetting = clock.after(IN_MEMORY_MS, () => (inMemory = null));
    return inMemory;
  }

  /** Entries that the latest covers; 0 where there is none. */
  async function coveredSoFar(): Promise<number> {
    if (covered !== null) return covered;
    const kept = await latest();
    const opened = kept && (await openCertified(kept.signed, community, async () => true));
    return (covered ??= opened?.ok === true ? opened.value.entries : 0);
  }

  async function keep(certified: CertifiedCheckpoint): Promise<void> {
    const opened = await openCertified(certified.signed, community, verify);
    if (!opened.ok || opened.value.entries <= (await coveredSoFar())) return;
    const written = await records.set(key, certified);
    if (!written.ok) return;
    covered = opened.value.entries;
    inMemory = null;
  }

  /** With the signatures of as many others as it takes; null where too few hold the same now. */
  async function certified({ signed, packed }: CertifiedCheckpoint): Promise<CertifiedCheckpoint | null> {
    const signatures = [...signed.signatures];
    const enough = (): boolean => signatures.length >= quorumOf(certifiers.length);
    for (const witness of certifiers) {
      if (enough()) break;
      if (witness === signer.nodeId) continue;
      const said = await bus.call(witnessCheckpoint, { signed }, { provider: witness });
      if (!said.ok || !equalBytes(said.value.signed.payload, signed.payload)) continue;
      const [one, ...more] = said.value.signed.signatures;
      if (one?.keyId !== witness || more.length > 0 || !(await verify(witness, signed.payload, one.signature)))
        continue;
      signatures.push(one);
    }
    return enough() ? { signed: { payload: signed.payload, signatures }, packed } : null;
  }

  async function propose(): Promise<void> {
    const entries = ledger.heads().reduce((sum, { length }) => sum + length, 0);
    const before = await coveredSoFar();
    if (stopped || entries - before < Math.max(LEAST_NEW_ENTRIES, LEAST_NEW_PART * before)) return;
    const checkpoint = ledger.checkpoint();
    if (checkpoint === null) return;
    const own = await signCheckpoint(signer, community, checkpoint, clock.now());
    const whole = own.ok ? await certified(own.value) : null;
    if (whole !== null && !stopped) await keep(whole);
  }

  function whenQuiet(): void {
    stopTimer();
    stopTimer = clock.after(QUIET_MS * (1 + rank), () => {
      if (busy || stopped) return;
      busy = true;
      void propose().finally(() => (busy = false));
    });
  }

  const stop = rank < 0 ? () => {} : ledger.changed.on(whenQuiet);
  if (rank >= 0) whenQuiet();

  return {
    latest,
    keep,
    stop() {
      stopped = true;
      stop();
      stopTimer();
      stopForgetting();
    },
  };
}
