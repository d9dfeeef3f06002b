import type { NodeId } from '#core/base/ids';
import type { Clock, Signer } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import type { PaidLook } from '#core/ledger/rules/looking-rules';
import type { VerificationReceipt } from '#core/ledger/work-receipts';
import { sign } from '#core/wire/signed';
import type { Witnessing } from './witnessing';

/** Brings into this node's own log what credits it, or ends a reservation of it, in the logs of others: what it can then spend. */
export interface Claims {
  /** Resolves when everything that could be claimed was. Runs one at a time. */
  sweep(): Promise<void>;
  stop(): void;
}

export interface ClaimsDeps {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly witnessing: Witnessing;
}

export function startClaims({ signer, clock, ledger, witnessing }: ClaimsDeps): Claims {
  const self: NodeId = ledger.author;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  async function claimGrant(id: string): Promise<Result<void>> {
    const grant = ledger.state.grantsById.get(id)!;
    const read = await ledger.bytesOf(grant.from, grant.seq, 1);
    if (!read.ok || read.value[0] === undefined) return ok(undefined);
    const ref = { author: grant.from, seq: grant.seq, id };
    const heads = await witnessing.certifyHead(ref, witnessing.setFor(grant.from, null));
    if (!heads.complete) return ok(undefined);
    const written = await ledger.append(
      { kind: 'credit.claimed', grant: read.value[0], heads: [...heads.statements] },
      [ref],
    );
    return written.ok ? ok(undefined) : written;
  }

  async function claimClosing(reservation: string): Promise<Result<void>> {
    const closing = ledger.state.closingByReservation.get(reservation)!;
    const { author, seq } = closing.carrier;
    const read = await ledger.entriesOf(author, seq, 1);
    const entry = read.ok ? read.value[0] : undefined;
    if (entry?.event.kind !== 'settlement.closed') return ok(undefined);
    const written = await ledger.append(entry.event, entry.refs);
    return written.ok ? ok(undefined) : written;
  }

  /** What this node was paid for a verdict of its own, to keep and to show. */
  async function receiptForLooking({ reservation: _, ...look }: PaidLook): Promise<Result<void>> {
    const receipt: VerificationReceipt = {
      type: 'verification-receipt',
      v: 1,
      community: ledger.community.id,
      validator: self,
      ...look,
      at: clock.now(),
    };
    const written = await ledger.append({ kind: 'verification.receipted', receipt: await sign(signer, receipt) });
    return written.ok ? ok(undefined) : written;
  }

  async function sweepOnce(): Promise<void> {
    const { grants, reservations } = ledger.state.unclaimedBy(self);
    for (const id of reservations) if (!stopped && !(await claimClosing(id)).ok) return;
    // By the log itself, so that one is written too where the tab died between the two entries.
    for (const look of ledger.state.unreceiptedLooksOf(self))
      if (!stopped && !(await receiptForLooking(look)).ok) return;
    for (const id of grants) if (!stopped && !(await claimGrant(id)).ok) return;
  }

  function sweep(): Promise<void> {
    again = true;
    running ??= (async () => {
      try {
        while (again && !stopped) {
          again = false;
          await sweepOnce();
        }
      } finally {
        // What threw once ends this run, not every later one.
        running = null;
      }
    })();
    return running;
  }

  const stop = ledger.changed.on(({ own }) => {
    if (own === null) void sweep();
  });
  void sweep();
  return {
    sweep,
    stop() {
      stopped = true;
      stop();
    },
  };
}
