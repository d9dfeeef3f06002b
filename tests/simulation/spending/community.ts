import { fraction, pick } from '#core/base/chance';
import type { NodeId } from '#core/base/ids';
import type { Chance } from '#core/base/ports';
import type { KnownOffer } from '#node/economy/payer';
import { createEconomyWorld, credits, type EconomyWorld, type Member, type Written } from '#tests/fakes/economy-world';
import { createEntryShelf, type EntryShelf } from './entry-shelf';
import type { Stored } from './shared-ledger';

/** From which invitations of the founder the adversaries came. */
export type Branching = 'anywhere' | 'one-branch' | 'a-branch-each';

/** Invitations by which the honest members came. */
const BRANCHES = 20;
export const RATE_MICROS = 100;
/** As long as the roster of witnesses takes to be in force, and as long again. */
const SETTLED_MS = 2 * 60 * 60 * 1_000;
const OFFERED_FOR_MS = 10 * 24 * 60 * 60 * 1_000;

export interface Founded {
  readonly world: EconomyWorld;
  readonly shelf: EntryShelf;
  readonly honest: readonly Member[];
  readonly adversaries: readonly Member[];
  readonly roster: Written<'witnesses.named'>;
  readonly offers: ReadonlyMap<NodeId, KnownOffer>;
  /** All logs as they are when the simulation begins. */
  readonly begin: ReadonlyMap<NodeId, readonly Stored[]>;
  readonly startMs: number;
}

/**
 * A community whose members all have the limit of a newcomer, claimed by certificates of the manifest's witnesses, and a price; and
 * whose founder named all of them as witnesses, by branches. The founder takes no other part.
 */
export async function foundCommunity(
  nodes: number,
  share: number,
  branching: Branching,
  chance: Chance,
): Promise<Founded> {
  const world = await createEconomyWorld({
    witnesses: ['founder'],
    policy: { founderLimitMicros: credits(5 * nodes) },
  });
  const { community, founder } = world;
  const members = Array.from({ length: nodes }, (_, at) => world.member(`m${at}`));
  const bad = new Set<Member>();
  while (bad.size < Math.round(share * nodes)) bad.add(pick(chance, members)!);
  const branches = new Map<Member, string>();
  let honestBefore = 0;
  for (const [at, one] of members.entries()) {
    const alone = { anywhere: null, 'one-branch': 'theirs', 'a-branch-each': `theirs-${at}` }[branching];
    const place = branching === 'anywhere' ? at : honestBefore;
    if (!bad.has(one)) honestBefore += 1;
    branches.set(one, (bad.has(one) ? alone : null) ?? `branch-${place % BRANCHES}`);
  }
  const offers = new Map<NodeId, KnownOffer>();
  for (const one of members) {
    await world.write(one, { kind: 'community.joined', community: community.id });
    await world.claim(one, await world.grant(founder, one, credits(5)));
    const { signed, body } = await world.offer(one, {
      rateMicros: RATE_MICROS,
      minimumMicros: RATE_MICROS,
      expiresAt: world.nowMs + OFFERED_FOR_MS,
    });
    offers.set(one.nodeId, { signed, terms: body });
  }
  const roster = await world.nameWitnesses(
    members.map((one) => ({ node: one.nodeId, branch: branches.get(one)! })),
    0,
  );
  const shelf = createEntryShelf(world.verify);
  for (const { entries } of [founder, ...members]) for (const { bytes, entry } of entries) shelf.put(bytes, entry);
  return {
    world,
    shelf,
    roster,
    offers,
    honest: members.filter((one) => !bad.has(one)),
    // By chance, so that what each of them tries does not hang on where it stands in a branch.
    adversaries: [...bad]
      .map((one) => [fraction(chance), one] as const)
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one),
    begin: new Map([founder, ...members].map(({ nodeId, entries }) => [nodeId, [...entries]])),
    startMs: world.nowMs + SETTLED_MS,
  };
}
