import type { NodeId } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import { concat } from '#core/base/bytes';
import type { Bus } from '#core/bus/bus';
import { openCertified, type CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { ledgerCheckpoint, MAX_PARTS } from '#services/ledger-checkpoint/contract';
import { ledgerRead } from '#services/ledger-read/contract';
import { LEAST_NEW_ENTRIES } from './checkpointing';

/** If by then nobody gave a checkpoint, what came before is fetched and replayed: peers that stall cost no more than this together. */
const MAX_BEGIN_MS = 60_000;
/** Between two answers with older entries, which nothing waits for: the tab is for other things. */
const FILL_PAUSE_MS = 100;

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

  const isTooLate = (): boolean => stopped || (untilMs !== null && clock.monotonicMs() > untilMs);

  async function certifiedOf(peer: NodeId): Promise<CertifiedCheckpoint | null> {
    const asked = await bus.call(ledgerCheckpoint, { part: null }, { provider: peer });
    if (!asked.ok || asked.value.signed === null) return null;
    const { signed } = asked.value;
    const statement = await openCertified(signed, ledger.community, verify);
    if (!statement.ok || statement.value.entries - held() < LEAST_NEW_ENTRIES) return null;
    untilMs ??= clock.monotonicMs() + MAX_BEGIN_MS;
    const parts: Uint8Array[] = [];
    let left = statement.value.size;
    for (let part = 0; left > 0; part++) {
      if (part >= MAX_PARTS || isTooLate()) return null;
      const read = await bus.call(ledgerCheckpoint, { part }, { provider: peer });
      const bytes = read.ok ? read.value.bytes : null;
      if (bytes === null || bytes.length === 0 || bytes.length > left) return null;
      parts.push(bytes);
      left -= bytes.length;
    }
    return { signed, packed: concat(...parts) };
  }

  async function fromNow(peer: NodeId): Promise<void> {
    if (ledger.start !== null || isTooLate()) return;
    const certified = await certifiedOf(peer);
    if (certified === null || stopped) return;
    const begun = await ledger.begin(certified);
    if (begun.ok) await keep(certified);
  }

  async function fillFrom(peer: NodeId): Promise<void> {
    const missing = await ledger.missing();
    for (const { author, from, to } of missing.ok ? missing.value : []) {
      for (let at = from; at < to && !stopped;) {
        const read = await bus.call(ledgerRead, { author, from: at }, { provider: peer });
        // It is gone, or does not hold that beginning itself.
        if (!read.ok) return;
        if (read.value.entries.length === 0) break;
        const taken = await ledger.receiveBeginning(author, at, read.value.entries);
        if (!taken.ok) break;
        at = taken.value.length;
        await new Promise<void>((resolve) => clock.after(FILL_PAUSE_MS, resolve));
      }
    }
  }

  return {
    from(peer) {
      // One after the other: what the first brought the next need not.
      beginning = beginning.then(() => fromNow(peer));
      return beginning;
    },
    async fill(peer) {
      if (filling) return;
      filling = true;
      await fillFrom(peer);
      filling = false;
    },
    stop() {
      stopped = true;
    },
  };
}
