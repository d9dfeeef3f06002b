import type { NodeId } from '#core/base/ids';
import { fail, ok, type Result } from '#core/base/result';
import type { Ledger } from '#core/ledger/ledger';
import { HANDOVER_MS } from '#core/ledger/witness-duty';
import { LEAST_BRANCHES, MAX_ELIGIBLE, type WitnessRoster } from '#core/ledger/witnesses';
import type { Links } from '#core/transport/ports';

type Eligible = WitnessRoster['eligible'];

/** Who witnesses payments in this community, and who could. */
export interface WitnessView {
  /** Only the founder names witnesses. */
  readonly mayName: boolean;
  /** Those of the manifest: they serve until enough others are named. */
  readonly manifest: readonly NodeId[];
  /** The latest naming: whom, and from when it is in force (epoch milliseconds); null where there was none. */
  readonly named: { readonly nodes: readonly NodeId[]; readonly inForceFrom: number } | null;
  /** Whom the founder would name now: members that are linked, and those named before. */
  readonly eligible: readonly NodeId[];
  /** Invitations that they came by, the founder's own line counted as one. */
  readonly branches: number;
  /** Other branches than a payer's own that are needed before anybody is drawn from them. */
  readonly branchesNeeded: number;
}

/** Everyone whose branch is known: it is told by an invitation that a link showed, and kept by the naming before. */
function eligibleNow({ state, author: self }: Ledger, links: Links): Eligible {
  const branchOf = new Map<NodeId, string>([[self, self]]);
  for (const { node, branch } of state.roster?.roster.eligible ?? []) branchOf.set(node, branch);
  for (const { peer, admission } of links.all)
    if (admission.trust === 'member' && admission.branch != null) branchOf.set(peer, admission.branch);
  return [...branchOf]
    .filter(([node]) => !state.bannedFrom.has(node))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_ELIGIBLE)
    .map(([node, branch]) => ({ node, branch }));
}

export function witnessNaming(ledger: Ledger, links: Links): WitnessView {
  const { state, community } = ledger;
  const latest = state.roster;
  const eligible = eligibleNow(ledger, links);
  return {
    mayName: community.economy !== undefined && ledger.author === community.founder,
    manifest: community.economy?.witnesses ?? [],
    named:
      latest === null
        ? null
        : {
            nodes: latest.roster.eligible.map(({ node }) => node),
            inForceFrom: latest.at + HANDOVER_MS,
          },
    eligible: eligible.map(({ node }) => node),
    branches: new Set(eligible.map(({ branch }) => branch)).size,
    branchesNeeded: LEAST_BRANCHES,
  };
}

/**
 * Names everyone who is eligible now as a witness; in force an hour later. Codes: `not_the_founder`, `nobody_new` where that is the
 * naming before, those of the ledger.
 */
export async function nameWitnesses(ledger: Ledger, links: Links): Promise<Result<void>> {
  const { state, community } = ledger;
  if (community.economy === undefined || ledger.author !== community.founder)
    return fail('not_the_founder', 'Only the founder of this community names its witnesses.');
  const eligible = eligibleNow(ledger, links);
  const before = state.roster?.roster;
  if (JSON.stringify(before?.eligible) === JSON.stringify(eligible))
    return fail('nobody_new', 'Nobody came since you last named witnesses; invite more people first.');
  const roster: WitnessRoster = { epoch: (before?.epoch ?? -1) + 1, eligible: [...eligible] };
  const written = await ledger.append({ kind: 'witnesses.named', roster });
  return written.ok ? ok(undefined) : written;
}
