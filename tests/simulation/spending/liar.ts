import type { NodeId } from '#core/base/ids';
import type { Signer } from '#core/base/ports';
import { ok } from '#core/base/result';
import type { EntryRef } from '#core/ledger/chain';
import { settlementIdOf } from '#core/ledger/events';
import type { HeadWitness, OutcomeWitness } from '#core/ledger/witnesses';
import { sign, type Signed } from '#core/wire/signed';
import type { WitnessHeadInput } from '#services/witness-head/contract';
import type { WitnessOutcomeInput } from '#services/witness-outcome/contract';
import type { Stage } from './honest-member';
import type { Port } from './mesh';

/** What a lying witness signs of any entry, whoever asks and whatever it signed before. */
export function lieAboutHead(
  { founded, clock }: Stage,
  signer: Signer,
  { author, seq, id }: EntryRef,
): Promise<Signed> {
  const community = founded.world.community.id;
  const body: HeadWitness = { type: 'witness-head', v: 1, community, author, seq, entry: id, at: clock.now() };
  return sign(signer, body);
}

/** A node that signs as a witness whatever it is asked. */
export function serveLies(stage: Stage, signer: Signer, port: Port): void {
  const community = stage.founded.world.community.id;
  port.serve('witness.head@1', async (input) => {
    const { author, seq, entry } = input as WitnessHeadInput;
    return ok({ statement: await lieAboutHead(stage, signer, { author, seq, id: entry }) });
  });
  port.serve('witness.outcome@1', async (input) => {
    const { reservation, outcome, chargeMicros, settlement } = input as WitnessOutcomeInput;
    const body: OutcomeWitness = {
      type: 'witness-outcome',
      v: 1,
      community,
      reservation,
      outcome,
      settlement: settlement === null ? null : settlementIdOf(settlement),
      chargeMicros,
      at: stage.clock.now(),
    };
    return ok({ statement: await sign(signer, body) });
  });
}

/** Whom a payer can ask for their word: the witnesses that are drawn for it, by whether they lie. */
export interface Drawn {
  readonly honest: readonly NodeId[];
  readonly lying: readonly NodeId[];
  readonly quorum: number;
}

export function drawnFor({ founded }: Stage, payer: NodeId): Drawn {
  const { witnesses, quorum } = founded.world.witnessesOf(payer, founded.roster);
  const bad = new Set(founded.adversaries.map(({ nodeId }) => nodeId));
  return {
    honest: witnesses.filter((one) => !bad.has(one)),
    lying: witnesses.filter((one) => bad.has(one)),
    quorum,
  };
}
