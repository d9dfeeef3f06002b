import type { NodeId } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import { concat, equalBytes } from '#core/base/bytes';
import type { Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { openCertified, type CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { ledgerCheckpoint, MAX_PARTS } from '#services/ledger-checkpoint/contract';
import { ledgerHeads, type LedgerHeadsOutput } from '#services/ledger-heads/contract';
import { ledgerRead } from '#services/ledger-read/contract';
import { LEAST_NEW_ENTRIES } from './checkpointing';

/** After the first peer was asked: then what came before is fetched and replayed, so peers that stall cost no more than this together. */
const MAX_BEGIN_MS = 60_000;
/** Slower than this, in bytes per millisecond, nobody may give a checkpoint on top of that. */
const LEAST_RATE = 100;
/** Of all that a peer holds a checkpoint must cover so much, in percent: one that was certified long ago saves little, and there is only one. */
const LEAST_COVERED_PERCENT = 80;
/** A checkpoint knows of forgeries whose proofs are still on their way here. */
const PROOFS_MS = 3_000;
/** Between two answers with older entries, which nothing waits for: the tab is for other things. */
const FILL_PAUSE_MS = 100;
/** With one peer, before another gets its turn: whoever gives little keeps nobody from the rest. */
const MAX_FILL_MS = 60_000;

/** What a batch is refused as that is another history than the one begun. */
const FORKED: ReadonlySet<string> = new Set(['chain_broken', 'log_forked']);

export interface BeginningDeps {
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly verify: Verify;
  readonly keep: (certified: CertifiedCheckpoint) => Promise<void>;
}

/** How a node that lacks much comes to go on with the others at once, and to hold all of it later. */
export interface Beginning {
  /** Resolves when the ledger goes on from the peer's checkpoint, or it is not worth it, or it failed. */
  from(peer: NodeId): Promise<void>;
  /** Fetches what is missing before the checkpoint, as far as the peer has it. */
  fill(peer: NodeId): Promise<void>;
  stop(): void;
}

export function createBeginning({ ledger, bus, clock, verify, keep }: BeginningDeps): Beginning {
  let beginning: Promise<void> = Promise.resolve();
  let untilMs: number | null = null;
  let filling = false;
  let stopped = false;

  const held = (): number => ledger.heads().reduce((sum, { length }) => sum + length, 0);

  /** Entries that the peer says it holds. */
  async function heldBy(peer: NodeId): Promise<number> {
    let entries = 0;
    for (let after: NodeId | null = null; ;) {
      const asked: Result<LedgerHeadsOutput> = await bus.call(ledgerHeads, { after }, { provider: peer });
      if (!asked.ok) return entries;
      entries += asked.value.heads.reduce((sum, { length }) => sum + length, 0);
      const next: NodeId | null = asked.value.heads.at(-1)?.author ?? null;
      // In ascending order, so it comes to an end.
      if (!asked.value.more || next === null || (after !== null && next <= after)) return entries;
      after = next;
    }
  }

  async function certifiedOf(peer: NodeId): Promise<CertifiedCheckpoint | null> {
    const asked = await bus.call(ledgerCheckpoint, { part: null }, { provider: peer });
    if (!asked.ok || asked.value.signed === null) return null;
    const { signed } = asked.value;
    const statement = await openCertified(signed, ledger.community, verify);
    if (!statement.ok || statement.value.entries - held() < LEAST_NEW_ENTRIES) return null;
    const { entries, size } = statement.value;
    if (entries * 100 < (await heldBy(peer)) * LEAST_COVERED_PERCENT) return null;
    const partsUntilMs = clock.monotonicMs() + MAX_BEGIN_MS + size / LEAST_RATE;
    const parts: Uint8Array[] = [];
    let left = size;
    for (let part = 0; left > 0; part++) {
      if (part >= MAX_PARTS || stopped || clock.monotonicMs() > partsUntilMs) return null;
      const read = await bus.call(ledgerCheckpoint, { part }, { provider: peer });
      if (!read.ok || read.value.signed === null || !equalBytes(read.value.signed.payload, signed.payload)) return null;
      const { bytes } = read.value;
      if (bytes.length === 0 || bytes.length > left) return null;
      parts.push(bytes);
      left -= bytes.length;
    }
    return { signed, packed: concat(...parts) };
  }

  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));

  async function fromNow(peer: NodeId): Promise<void> {
    untilMs ??= clock.monotonicMs() + MAX_BEGIN_MS;
    if (ledger.start !== null || stopped || clock.monotonicMs() > untilMs) return;
    const certified = await certifiedOf(peer);
    if (certified === null || stopped) return;
    let begun = await ledger.begin(certified);
    if (!begun.ok && begun.error.code === 'banned') {
      await pause(PROOFS_MS);
      begun = await ledger.begin(certified);
    }
    if (begun.ok) await keep(certified);
  }

  /** Entries that do not go on from those that are held: one of the two histories is no honest one, and together they prove it. */
  async function findFork(author: NodeId, peer: NodeId, begun: number): Promise<void> {
    for (let at = 0; at < begun && !stopped;) {
      const read = await bus.call(ledgerRead, { author, from: at }, { provider: peer });
      if (!read.ok || read.value.entries.length === 0) return;
      const taken = await ledger.receive(author, at, read.value.entries);
      if (!taken.ok) return;
      at += read.value.entries.length;
    }
  }

  async function fillFrom(peer: NodeId): Promise<void> {
    const fillUntilMs = clock.monotonicMs() + MAX_FILL_MS;
    const missing = await ledger.missing();
    for (const { author, from, to } of missing.ok ? missing.value : []) {
      for (let at = from; at < to;) {
        if (stopped || clock.monotonicMs() > fillUntilMs) return;
        const read = await bus.call(ledgerRead, { author, from: at }, { provider: peer });
        // It is gone, or does not hold that beginning itself.
        if (!read.ok) return;
        if (read.value.entries.length === 0) break;
        const taken = await ledger.receiveBeginning(author, at, read.value.entries);
        if (!taken.ok) {
          if (FORKED.has(taken.error.code)) await findFork(author, peer, at);
          break;
        }
        at = taken.value.length;
        await pause(FILL_PAUSE_MS);
      }
    }
  }

  return {
    from(peer) {
      // One after the other: what the first brought the next need not.
      // Whatever came in between: what came before can be replayed.
      beginning = beginning.then(() => fromNow(peer)).catch(() => undefined);
      return beginning;
    },
    async fill(peer) {
      if (filling) return;
      filling = true;
      try {
        await fillFrom(peer);
      } finally {
        filling = false;
      }
    },
    stop() {
      stopped = true;
    },
  };
}
