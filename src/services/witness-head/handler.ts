import type { Handler } from '#core/bus/capability';
import type { Clock, Signer } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import { createHourlyQuota } from '#core/jobs/quota';
import type { Ledger } from '#core/ledger/ledger';
import { mayWitnessHead } from '#core/ledger/witness-duty';
import type { HeadWitness } from '#core/ledger/witnesses';
import { sign } from '#core/wire/signed';
import type { WitnessHeadInput, WitnessHeadOutput } from './contract';

/** Signatures per hour for one caller: one for each job that it may give this node. */
const HEADS_PER_HOUR = 10_000;

export interface WitnessHeadDeps {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ledger: () => Ledger;
}

/**
 * The log that a witness holds is its memory: it is written strictly before anything in it is signed for, and a second entry at
 * the same place never gets into it. Refusals: `not_held` (the log does not reach there), `other_entry`, those of `mayWitnessHead`.
 */
export function createWitnessHeadHandler({
  signer,
  clock,
  ledger,
}: WitnessHeadDeps): Handler<WitnessHeadInput, WitnessHeadOutput> {
  const quota = createHourlyQuota(clock, HEADS_PER_HOUR);
  return async ({ author, seq, entry }, { caller }) => {
    if (!quota.take(caller)) return fail('quota_used_up', 'This node witnessed enough for you this hour.');
    const { community, entriesOf } = ledger();
    const read = await entriesOf(author, seq, 1);
    if (!read.ok) return read;
    const held = read.value[0];
    if (held === undefined) return fail('not_held', 'This node does not hold that log so far.');
    if (held.id !== entry) return fail('other_entry', 'Another entry stands there.');
    // The state as it is now: what was learned while the entry was read counts.
    const may = mayWitnessHead(ledger().state, { author, entry }, clock.now());
    if (!may.ok) return may;
    const body: HeadWitness = {
      type: 'witness-head',
      v: 1,
      community: community.id,
      author,
      seq,
      entry,
      at: clock.now(),
    };
    return ok({ statement: await sign(signer, body) });
  };
}
