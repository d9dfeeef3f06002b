import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { EventOf } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { openVerdicts } from '#core/ledger/open-event';
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
  readonly verify: Verify;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly witnessing: Witnessing;
}

export function startClaims({ signer, verify, clock, ledger, witnessing }: ClaimsDeps): Claims {
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
    if (!written.ok) return written;
    return receiptForLooking(reservation, entry.event);
  }

  /** What this node was paid for a verdict of its own, to keep and to show. */
  async function receiptForLooking(
    reservation: string,
    { settlement, reasons }: EventOf<'settlement.closed'>,
  ): Promise<Result<void>> {
    const { id, payer, payee, jobId, credits } = ledger.state.closingByReservation.get(reservation)!;
    if (payee === self || payer === self) return ok(undefined);
    const verdicts = await openVerdicts(settlement?.verdicts ?? reasons, verify);
    if (!verdicts.ok) return verdicts;
    const own = verdicts.value.find(({ verdict }) => verdict.validator === self);
    if (own === undefined) return ok(undefined);
    const receipt: VerificationReceipt = {
      type: 'verification-receipt',
      v: 1,
      community: ledger.community.id,
      jobId,
      validator: self,
      executor: payee,
      payer,
      verdict: own.id,
      settlement: id,
      check: own.verdict.check,
      paidMicros: credits.find(({ node }) => node === self)?.micros ?? 0,
      at: clock.now(),
    };
    const written = await ledger.append({ kind: 'verification.receipted', receipt: await sign(signer, receipt) });
    return written.ok ? ok(undefined) : written;
  }

  async function sweepOnce(): Promise<void> {
    const { grants, reservations } = ledger.state.unclaimedBy(self);
    for (const id of reservations) if (!stopped && !(await claimClosing(id)).ok) return;
    for (const id of grants) if (!stopped && !(await claimGrant(id)).ok) return;
  }

  function sweep(): Promise<void> {
    again = true;
    running ??= (async () => {
      while (again && !stopped) {
        again = false;
        await sweepOnce();
      }
      running = null;
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
