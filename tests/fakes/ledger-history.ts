import type { NodeId } from '#core/base/ids';
import type { Signer, Verify } from '#core/base/ports';
import { sha256 } from '#core/base/canonical';
import { utf8 } from '#core/base/bytes';
import type { LedgerFold } from '#core/ledger/fold';
import type { OpenedEntry } from '#core/ledger/open-event';
import type { Receipt } from '#core/ledger/receipts';
import { addSignature, idOfSigned, sign, type Signed } from '#core/wire/signed';
import { createEconomyWorld, credits, type EconomyWorld, type Member, type Said } from './economy-world';

/** Of four one may lie. */
const WITNESSES = ['w0', 'w1', 'w2', 'w3'];

export interface HistoryKeys {
  readonly signerNamed: (name: string) => Signer;
  readonly verify: Verify;
}

export interface LedgerHistory {
  readonly world: EconomyWorld;
  readonly members: readonly Member[];
  /** One more job: everything that it leaves in four logs. */
  job(): Promise<void>;
  /** What was written since the last call, by log, and forgotten here. */
  taken(): readonly TakenLog[];
}

export interface TakenLog {
  readonly author: NodeId;
  readonly from: number;
  readonly entries: readonly Uint8Array[];
  readonly opened: readonly OpenedEntry[];
}

/**
 * The logs of a community whose members ask each other, work, check, and pay: each job goes to the next four of them, and
 * leaves 18 entries: the reservation, the commitment, two sealed and two given verdicts, the proposal, the seal of the trace, four
 * copies of the receipt, two of the work receipt, and the closing in the logs of payer, payee and validators. The same arguments
 * give the same bytes.
 */
export async function createLedgerHistory(memberCount: number, keys?: HistoryKeys): Promise<LedgerHistory> {
  const world = await createEconomyWorld({
    witnesses: WITNESSES,
    policy: { founderLimitMicros: credits(1_000_000) },
    ...(keys === undefined ? {} : { keys }),
  });
  const members = Array.from({ length: memberCount }, (_, at) => world.member(`m${at}`));
  const offers = new Map<NodeId, Said<Awaited<ReturnType<EconomyWorld['offer']>>['body']>>();
  for (const one of members) {
    await world.write(one, { kind: 'community.joined', community: world.community.id });
    await world.claim(one, await world.grant(world.founder, one, credits(500_000 / memberCount)));
    const offer = await world.offer(one, { expiresAt: world.nowMs + 365 * 24 * 3_600_000 });
    await world.write(one, { kind: 'offer.published', offer: offer.signed });
    offers.set(one.nodeId, offer);
  }
  let jobs = 0;

  async function signedByAll(receipt: Receipt, by: readonly Member[]): Promise<Signed> {
    let signed = await sign(by[0]!.signer, receipt);
    for (const { signer } of by.slice(1)) signed = await addSignature(signer, signed);
    return signed;
  }

  async function job(): Promise<void> {
    // Steps so short that the four are never two of them one.
    const stride = 1 + (Math.floor(jobs / memberCount) % Math.max(1, Math.floor((memberCount - 1) / 3)));
    const at = (step: number) => members[(jobs + step * stride) % memberCount]!;
    const [payer, payee, first, second] = [at(0), at(1), at(2), at(3)];
    const verifiers = [first, second];
    jobs += 1;
    world.nowMs += 1_000;
    const reservation = await world.reserve(payer, payee, { offer: offers.get(payee.nodeId)! });
    const { jobId } = reservation.entry.event;
    const done = await world.work(reservation, { verifiers });
    const { settlement, opened } = done;
    await world.write(payee, { kind: 'work.committed', commitment: settlement.commitment });
    for (const [index, verifier] of verifiers.entries()) {
      await world.write(verifier, {
        kind: 'verdict.sealed',
        jobId,
        requester: payer.nodeId,
        seal: sha256(utf8(`seal ${jobId} ${index}`)),
      });
      await world.write(verifier, { kind: 'verdict.given', verdict: settlement.verdicts[index]! });
    }
    const { traceId } = opened.commitment;
    const seal = await sign(payer.signer, {
      type: 'seal',
      v: 1,
      traceId,
      requester: payer.nodeId,
      trace: sha256(utf8(traceId)),
      steps: 12,
      verdict: 'accepted',
      at: world.nowMs,
    } as never);
    await world.write(payer, { kind: 'trace.sealed', traceId, seal });
    const body: Receipt = {
      type: 'receipt',
      v: 1,
      jobId,
      traceId,
      capability: opened.commitment.capability,
      requester: payer.nodeId,
      executor: payee.nodeId,
      validators: verifiers.map(({ nodeId }) => nodeId),
      model: null,
      commitment: opened.commitmentId,
      verdicts: opened.verdicts.map(({ id }) => id),
      verdict: 'accepted',
      check: 'rescore',
      units: 3,
      tokens: { prompt: 50, completion: 50 },
      at: world.nowMs,
    };
    const parties = [payer, payee, ...verifiers];
    const receipt = await signedByAll(body, parties);
    const inside = { kind: 'receipt', id: idOfSigned(receipt), receipt: body, signed: receipt } as const;
    for (const one of parties) await world.write(one, { kind: 'receipt.recorded', receipt }, [], inside);
    await world.propose(payee, reservation, done);
    const acknowledged = await addSignature(payer.signer, settlement.receipt);
    for (const one of [payer, payee])
      await world.write(one, { kind: 'work.receipted', receipt: acknowledged }, [], { kind: 'plain' });
    const closing = await world.close(reservation, { outcome: 'settled', work: done });
    for (const one of parties) await world.write(one, closing.event, closing.refs, closing.inside);
  }

  return {
    world,
    members,
    job,
    taken() {
      const written = world.members.filter(({ entries }) => entries.length > 0);
      return written.map(({ nodeId, entries }): TakenLog => {
        const all = entries.splice(0);
        return {
          author: nodeId,
          from: all[0]!.entry.seq,
          entries: all.map(({ bytes }) => bytes),
          opened: all.map(({ entry }) => entry),
        };
      });
    },
  };
}

/** Lets the fold take entries of several logs, whatever waits for what; throws where something waits for ever. */
export function foldAll(fold: LedgerFold, logs: readonly (readonly OpenedEntry[])[]): void {
  const left = logs.map((entries) => [...entries]);
  for (let moved = true; moved;) {
    moved = false;
    for (const entries of left) {
      let taken = 0;
      while (taken < entries.length && fold.add(entries[taken]!).status === 'added') taken += 1;
      entries.splice(0, taken);
      moved ||= taken > 0;
    }
  }
  if (left.some((entries) => entries.length > 0)) throw new Error('The fold did not take every entry.');
}
