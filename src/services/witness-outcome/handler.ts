import type { Handler } from '#core/bus/capability';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createHourlyQuota } from '#core/jobs/quota';
import type { Ledger } from '#core/ledger/ledger';
import { openReservation, openSettlement, openVerdicts } from '#core/ledger/open-event';
import { openOffer } from '#core/ledger/offer-terms';
import { mayWitness, openRelease, outcomeStatement, type OutcomeRequest } from '#core/ledger/witness-duty';
import {
  openHeadWitness,
  openOutcomeWitness,
  type HeadWitness,
  type OutcomeWitness,
  type Witnessed,
} from '#core/ledger/witnesses';
import type { KeyValueStore } from '#core/storage/ports';
import { sign, type Signed } from '#core/wire/signed';
import type { WitnessOutcomeInput, WitnessOutcomeOutput } from './contract';

/** Signatures per hour for one caller: three for each job that it may give this node. */
const OUTCOMES_PER_HOUR = 30_000;

export interface WitnessOutcomeDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly ledger: () => Ledger;
  /** What this node signed as a witness: written before it leaves, and never changed. */
  readonly records: KeyValueStore;
}

/** Refusals: those of `mayWitness`, of what the request rests on, and `quota_used_up`. */
export function createWitnessOutcomeHandler({
  signer,
  verify,
  clock,
  ledger,
  records,
}: WitnessOutcomeDeps): Handler<WitnessOutcomeInput, WitnessOutcomeOutput> {
  const quota = createHourlyQuota(clock, OUTCOMES_PER_HOUR);
  /** One request at a time for each reservation, so that none slips in between looking and writing. */
  const turns = new Map<string, Promise<unknown>>();

  async function openCertified({ certified }: WitnessOutcomeInput): Promise<Result<OutcomeRequest['certified']>> {
    if (certified === null) return ok(null);
    const entry = await openReservation(certified.entry, verify);
    if (!entry.ok) return entry;
    const heads: Witnessed<HeadWitness>[] = [];
    for (const signed of certified.heads) {
      const statement = await openHeadWitness(signed, verify);
      if (!statement.ok) return statement;
      heads.push(statement.value);
    }
    return ok({ entry: entry.value, heads });
  }

  async function open(input: WitnessOutcomeInput): Promise<Result<OutcomeRequest>> {
    const certified = await openCertified(input);
    if (!certified.ok) return certified;
    const settlement = input.settlement === null ? ok(null) : await openSettlement(input.settlement, verify);
    if (!settlement.ok) return settlement;
    const reasons = await openVerdicts(input.reasons, verify);
    if (!reasons.ok) return reasons;
    const offer = input.offer === null ? ok(null) : await openOffer(input.offer, verify);
    if (!offer.ok) return offer;
    const release = input.release === null ? ok(null) : await openRelease(input.release, verify);
    if (!release.ok) return release;
    const proposed: OutcomeRequest['proposed'][number][] = [];
    for (const signed of input.proposed) {
      const statement = await openOutcomeWitness(signed, verify);
      if (!statement.ok) return statement;
      proposed.push(statement.value);
    }
    const { reservation, outcome, chargeMicros } = input;
    return ok({
      reservation,
      certified: certified.value,
      outcome,
      chargeMicros,
      settlement: settlement.value,
      proposed,
      reasons: reasons.value,
      offer: offer.value,
      release: release.value,
    });
  }

  async function witness(input: WitnessOutcomeInput): Promise<Result<WitnessOutcomeOutput>> {
    const { community } = ledger();
    const keyOf = (part: 'proposed' | 'end'): string => `witness/${community.id}/${input.reservation}/${part}`;
    const signedBefore = async (part: 'proposed' | 'end') => {
      const kept = await records.get<Signed>(keyOf(part));
      if (!kept.ok) return kept;
      if (kept.value === undefined) return ok(null);
      const opened = await openOutcomeWitness(kept.value, verify);
      return opened.ok ? ok({ signed: kept.value, statement: opened.value.statement }) : opened;
    };
    const proposed = await signedBefore('proposed');
    if (!proposed.ok) return proposed;
    const end = await signedBefore('end');
    if (!end.ok) return end;
    const request = await open(input);
    if (!request.ok) return fail(request.error.code, request.error.message, request.error.message);
    const nowMs = clock.now();
    const body = outcomeStatement(community.id, request.value, nowMs);
    const same = (one: OutcomeWitness | undefined): boolean =>
      one?.outcome === body.outcome && one.chargeMicros === body.chargeMicros && one.settlement === body.settlement;
    // The same again is answered with the same word.
    if (same(end.value?.statement)) return ok({ statement: end.value!.signed });
    if (end.value === null && same(proposed.value?.statement)) return ok({ statement: proposed.value!.signed });
    const before = { proposed: proposed.value?.statement ?? null, end: end.value?.statement ?? null };
    const may = mayWitness(ledger(), request.value, before, nowMs);
    if (!may.ok) return may;
    const statement = await sign(signer, body);
    const written = await records.setIfAbsent(keyOf(body.outcome === 'proposed' ? 'proposed' : 'end'), statement);
    if (!written.ok) return written;
    return written.value ? ok({ statement }) : fail('already_ended', 'That reservation has another end.');
  }

  return async (input, { caller }) => {
    if (!quota.take(caller)) return fail('quota_used_up', 'This node witnessed enough for you this hour.');
    const before = turns.get(input.reservation) ?? Promise.resolve();
    const turn = before.then(() => witness(input));
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    turns.set(input.reservation, over);
    void over.then(() => {
      if (turns.get(input.reservation) === over) turns.delete(input.reservation);
    });
    return turn;
  };
}
