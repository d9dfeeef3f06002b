import type { Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok } from '#core/base/result';
import type { Handler } from '#core/bus/capability';
import { createHourlyQuota } from '#core/jobs/quota';
import { certifiersOf, openCertified, saysTheSame } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { addSignature } from '#core/wire/signed';
import type { WitnessCheckpointInput, WitnessCheckpointOutput } from './contract';

/** For one caller: to compare costs as much as to write the whole state down. */
const CHECKPOINTS_PER_HOUR = 12;
/** How far its time may lie from this node's. */
const MAX_CLOCK_OFF_MS = 600_000;

export interface WitnessCheckpointDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly ledger: () => Ledger;
}

/**
 * Signs what another witness of the manifest signed where this node holds the very same logs, and they come to the same here. Refusals: those
 * of `openCertified`, `quota_used_up`, `not_a_witness`, `clock_off`, `not_the_same`.
 */
export function createWitnessCheckpointHandler({
  signer,
  verify,
  clock,
  ledger,
}: WitnessCheckpointDeps): Handler<WitnessCheckpointInput, WitnessCheckpointOutput> {
  const quota = createHourlyQuota(clock, CHECKPOINTS_PER_HOUR);
  return async ({ signed }, { caller }) => {
    if (!quota.take(caller)) return fail('quota_used_up', 'This node witnessed enough for you this hour.');
    const { community } = ledger();
    if (!certifiersOf(community).includes(signer.nodeId))
      return fail('not_a_witness', 'The manifest does not name this node as a witness.');
    const said = await openCertified(signed, community, verify, 1);
    if (!said.ok) return said;
    if (Math.abs(said.value.at - clock.now()) > MAX_CLOCK_OFF_MS)
      return fail('clock_off', 'The time of the checkpoint is not the time here.');
    const { heads, state } = ledger();
    const covered = heads().filter(({ author }) => !state.bannedFrom.has(author));
    const isAsLong =
      said.value.logs === covered.length && said.value.entries === covered.reduce((sum, { length }) => sum + length, 0);
    // Only then is it worth to write all of the state down.
    const checkpoint = isAsLong ? ledger().checkpoint() : null;
    if (checkpoint === null || !saysTheSame(said.value, community, checkpoint))
      return fail('not_the_same', 'This node does not hold the same logs.');
    return ok({ signed: await addSignature(signer, { payload: signed.payload, signatures: [] }) });
  };
}
