import type { Clock, Signer, Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import {
  certifiersOf,
  openCertified,
  signCheckpoint,
  type CertifiedCheckpoint,
} from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
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

/** After a try in vain (a witness was away, or held other logs) the next comes no sooner, then twice as late, up to the longest. */
const LEAST_WAIT_MS = 30_000;
const MAX_WAIT_MS = 3_600_000;

/** A link to another witness is made in so long, or it is not here. */
const REACH_MS = 5_000;

/** With what is asked of it without unpacking it. */
interface KeptCheckpoint extends CertifiedCheckpoint {
  readonly entries: number;
  /** The forgers whose logs it leaves out. */
  readonly banned: string;
}

export interface CheckpointingDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly records: KeyValueStore;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly links: Pick<Links, 'reach'>;
}

/** Has checkpoints certified where this node is a witness of the manifest, and keeps the latest for whoever comes new. */
export interface Checkpointing {
  /** The latest that is held. */
  latest(): Promise<CertifiedCheckpoint | null>;
  /** One that was found to be certified. Where it cannot be kept, others have it. */
  keep(certified: CertifiedCheckpoint): Promise<void>;
  stop(): void;
}

export function startCheckpointing({
  signer,
  verify,
  clock,
  records,
  ledger,
  bus,
  links,
}: CheckpointingDeps): Checkpointing {
  const { community } = ledger;
  const key = `ledger-certified/${community.id}`;
  const certifiers = certifiersOf(community);
  const rank = certifiers.indexOf(signer.nodeId);
  /** Of the latest; null until it was read. */
  let covers: Pick<KeptCheckpoint, 'entries' | 'banned'> | null = null;
  let waitMs = 0;
  let notBeforeMs = 0;
  let stopTimer = (): void => {};
  let busy = false;
  let stopped = false;

  /** It is asked for in parts, one after the other. */
  let inMemory: Promise<Result<KeptCheckpoint | null>> | null = null;
  let stopForgetting = (): void => {};

  async function held(): Promise<Result<KeptCheckpoint | null>> {
    const reading = (inMemory ??= records
      .get<KeptCheckpoint>(key)
      .then((kept) => (kept.ok ? ok(kept.value ?? null) : kept)));
    stopForgetting();
    if (!stopped) stopForgetting = clock.after(IN_MEMORY_MS, () => (inMemory = null));
    const kept = await reading;
    if (!kept.ok && inMemory === reading) inMemory = null;
    return kept;
  }

  async function latest(): Promise<KeptCheckpoint | null> {
    const kept = await held();
    return kept.ok ? kept.value : null;
  }

  /** Null where it cannot be read now: then nothing takes its place. */
  async function coveredSoFar(): Promise<Pick<KeptCheckpoint, 'entries' | 'banned'> | null> {
    if (covers !== null) return covers;
    const kept = await held();
    return kept.ok ? (covers = kept.value ?? { entries: 0, banned: '' }) : null;
  }

  /** Forgers that this node knows, and from where on nothing of theirs counts. */
  const bannedNow = (): string => JSON.stringify([...ledger.state.bannedFrom].sort());

  async function keep({ signed, packed }: CertifiedCheckpoint): Promise<void> {
    const opened = await openCertified(signed, community, verify);
    if (!opened.ok) return;
    const [{ entries }, banned, before] = [opened.value, bannedNow(), await coveredSoFar()];
    // One that knows of another forgery leaves a log out, and may cover less.
    if (before === null || (entries <= before.entries && banned === before.banned)) return;
    const kept: KeptCheckpoint = { signed, packed, entries, banned };
    const written = await records.set(key, kept);
    if (!written.ok) return;
    covers = { entries, banned };
    inMemory = null;
  }

  /** With the signatures of as many others as it takes; null where too few hold the same now. */
  async function certified({ signed, packed }: CertifiedCheckpoint): Promise<CertifiedCheckpoint | null> {
    const signatures = [...signed.signatures];
    const enough = (): boolean => signatures.length >= quorumOf(certifiers.length);
    for (const witness of certifiers) {
      if (enough()) break;
      if (witness === signer.nodeId) continue;
      if (!(await links.reach(witness, REACH_MS))) continue;
      const said = await bus.call(witnessCheckpoint, { signed }, { provider: witness });
      if (!said.ok || !equalBytes(said.value.signed.payload, signed.payload)) continue;
      const [one, ...more] = said.value.signed.signatures;
      if (one?.keyId !== witness || more.length > 0 || !(await verify(witness, signed.payload, one.signature)))
        continue;
      signatures.push(one);
    }
    return enough() ? { signed: { payload: signed.payload, signatures }, packed } : null;
  }

  /** Entries that a checkpoint of now would cover. */
  const coverable = (): number =>
    ledger.heads().reduce((sum, { author, length }) => sum + (ledger.state.bannedFrom.has(author) ? 0 : length), 0);

  /** Whether what was due is done. */
  async function propose(): Promise<boolean> {
    const before = await coveredSoFar();
    if (before === null) return false;
    const isOutdated = before.entries > 0 && before.banned !== bannedNow();
    const isDue = coverable() - before.entries >= Math.max(LEAST_NEW_ENTRIES, LEAST_NEW_PART * before.entries);
    if (stopped || !(isDue || isOutdated)) return true;
    const checkpoint = ledger.checkpoint();
    if (checkpoint === null) return false;
    const own = await signCheckpoint(signer, community, checkpoint, clock.now());
    const whole = own.ok ? await certified(own.value) : null;
    if (whole === null || stopped) return false;
    await keep(whole);
    return true;
  }

  function whenQuiet(): void {
    stopTimer();
    const quietMs = QUIET_MS * (1 + rank);
    stopTimer = clock.after(Math.max(quietMs, notBeforeMs - clock.monotonicMs()), () => {
      if (stopped) return;
      if (busy) return whenQuiet();
      busy = true;
      const proposed = propose().catch(() => false);
      void proposed.then((isDone) => {
        busy = false;
        // In vain it cost as much, and so it did where it broke: each time it waits longer.
        waitMs = isDone ? 0 : Math.min(MAX_WAIT_MS, Math.max(LEAST_WAIT_MS, waitMs * 2));
        notBeforeMs = clock.monotonicMs() + waitMs;
        if (!isDone && !stopped) whenQuiet();
      });
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
