import type { NodeId } from '../../base/ids';
import type { EconomyPolicy } from '../../identity/economy-policy';
import type { ChainEntry } from '../chain';
import type { EventOf } from '../events';
import { certifiedAt, type HeadWitness, type Witnessed, type WitnessSet } from '../witnesses';
import type { Rule } from './rule';

export interface ClaimContext {
  readonly policy: EconomyPolicy | null;
  readonly community: string;
  readonly claimer: NodeId;
  readonly grant: ChainEntry<EventOf<'credit.granted'>>;
  readonly witnesses: WitnessSet;
  readonly heads: readonly Witnessed<HeadWitness>[];
  readonly claimedBefore: boolean;
}

/** That the giver had what it granted is what the witnesses signed; the giver's log is not asked again. */
export const CLAIM_RULES: readonly Rule<ClaimContext>[] = [
  {
    name: 'no_economy',
    sentence: 'Members of this community do not pay each other.',
    holds: ({ policy }) => policy !== null,
  },
  {
    name: 'wrong_community',
    sentence: 'A limit was granted in another community.',
    holds: ({ community, grant }) => grant.community === community,
  },
  {
    name: 'not_yours_to_claim',
    sentence: 'A node claims a limit that was granted to another.',
    holds: ({ claimer, grant }) => grant.event.to === claimer,
  },
  {
    name: 'head_not_witnessed',
    sentence: 'Too few witnesses saw the grant.',
    holds: ({ grant, witnesses, heads }) =>
      certifiedAt(
        witnesses,
        heads,
        ({ author, seq, entry }) => author === grant.author && seq === grant.seq && entry === grant.id,
      ) !== null,
  },
  {
    name: 'claimed_twice',
    sentence: 'A node claims the same grant twice.',
    holds: ({ claimedBefore }) => !claimedBefore,
  },
];
