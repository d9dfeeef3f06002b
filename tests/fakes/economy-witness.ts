import type { OpenedEntry } from '#core/ledger/open-event';
import {
  mayWitness,
  mayWitnessHead,
  outcomeStatement,
  type OutcomeRequest,
  type SignedBefore,
} from '#core/ledger/witness-duty';
import type { HeadWitness, OutcomeWitness } from '#core/ledger/witnesses';
import type { EconomyWorld, Member, Said } from './economy-world';
import { createFoldFeeder, type FoldFeeder } from './fold-feeder';

/** A witness with its own view of the logs and its own memory; one that lies signs whatever it is asked. */
export interface FakeWitness {
  readonly member: Member;
  readonly feeder: FoldFeeder;
  readonly lies: boolean;
  head(entry: OpenedEntry): Promise<Said<HeadWitness> | null>;
  outcome(request: OutcomeRequest): Promise<Said<OutcomeWitness> | null>;
}

export function createFakeWitness(world: EconomyWorld, member: Member, lies = false): FakeWitness {
  const feeder = createFoldFeeder(world.community);
  const memory = new Map<string, { proposed: Said<OutcomeWitness> | null; end: Said<OutcomeWitness> | null }>();

  return {
    member,
    feeder,
    lies,
    async head({ author, seq, id }) {
      if (!lies && !mayWitnessHead(feeder.fold.state, { author, entry: id }, world.nowMs).ok) return null;
      const body: HeadWitness = {
        type: 'witness-head',
        v: 1,
        community: world.community.id,
        author,
        seq,
        entry: id,
        at: world.nowMs,
      };
      return world.say(member, body);
    },
    async outcome(request) {
      const body = outcomeStatement(world.community.id, request, world.nowMs);
      if (lies) return world.say(member, body);
      const kept = memory.get(request.reservation) ?? { proposed: null, end: null };
      const same = (said: Said<OutcomeWitness> | null): boolean =>
        said?.body.outcome === body.outcome &&
        said.body.settlement === body.settlement &&
        said.body.chargeMicros === body.chargeMicros;
      if (same(kept.end)) return kept.end;
      if (kept.end === null && same(kept.proposed)) return kept.proposed;
      const before: SignedBefore = { proposed: kept.proposed?.body ?? null, end: kept.end?.body ?? null };
      const held = { community: world.community, state: feeder.fold.state };
      if (!mayWitness(held, request, before, world.nowMs).ok) return null;
      const said = await world.say(member, body);
      memory.set(
        request.reservation,
        body.outcome === 'proposed' ? { ...kept, proposed: said } : { ...kept, end: said },
      );
      return said;
    },
  };
}
