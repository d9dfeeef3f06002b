import { hex, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import type { NodeId } from '../../base/ids';
import type { EconomyPolicy } from '../../identity/economy-policy';
import type { OpenedVerdict } from '../open-event';
import type { WitnessRoster } from '../witnesses';
import type { ReservedWork } from './proposal-rules';
import type { Rule } from './rule';

/** What a challenger stands to lose, in parts of the charge. */
export const BOND_DIVISOR = 10;
/** How many judge a challenge. */
export const PANEL_SIZE = 3;

/** A settlement that was proposed and kept all rules. */
export interface ProposedSettlement {
  /** The entry. */
  readonly id: string;
  /** Content id of what was proposed. */
  readonly settlement: string;
  readonly reservation: string;
  readonly chargeMicros: number;
  readonly windowSeconds: number;
  readonly commitmentId: string;
  /** Everyone who gave a verdict: they are paid for looking, not for agreeing. */
  readonly validators: readonly NodeId[];
}

export interface ChallengeContext {
  readonly challenger: NodeId;
  readonly proposal: ProposedSettlement | null;
  readonly work: ReservedWork | null;
  readonly verdict: OpenedVerdict;
  /** The bond as the challenger's own log tells it. */
  readonly bond: ReservedWork | null;
  /** Whether it stands behind another challenge, or ended. */
  readonly bondUsed: boolean;
  /** Whether the challenger challenged the same proposal before. */
  readonly before: boolean;
}

/** What a challenge must put up: a tenth of the charge, at least one. */
export const bondFor = (chargeMicros: number): number => Math.max(1, Math.ceil(chargeMicros / BOND_DIVISOR));

export const CHALLENGE_RULES: readonly Rule<ChallengeContext>[] = [
  {
    name: 'nothing_proposed',
    sentence: 'A challenge names a settlement that was not proposed.',
    holds: ({ proposal, work }) => proposal !== null && work !== null,
  },
  {
    name: 'challenges_itself',
    sentence: 'A node challenges its own work.',
    holds: ({ challenger, work }) => challenger !== work!.payee,
  },
  {
    name: 'no_rejection',
    sentence: 'A challenge needs a verdict of its own that rejects that very work.',
    holds: ({ challenger, proposal, verdict: { verdict } }) =>
      verdict.validator === challenger &&
      verdict.verdict === 'rejected' &&
      verdict.commitment === proposal!.commitmentId,
  },
  {
    name: 'bond_missing',
    sentence: 'A challenge has no bond of a tenth of the charge behind it.',
    holds: ({ challenger, proposal, work, bond }) =>
      bond !== null &&
      bond.purpose === 'bond' &&
      bond.payer === challenger &&
      bond.payee === work!.payee &&
      bond.jobId === work!.jobId &&
      bond.amountMicros >= bondFor(proposal!.chargeMicros),
  },
  {
    name: 'bond_used',
    sentence: 'One bond stands behind two challenges, or ended before its challenge.',
    holds: ({ bondUsed }) => !bondUsed,
  },
  {
    name: 'challenged_twice',
    sentence: 'A node challenges one settlement twice.',
    holds: ({ before }) => !before,
  },
];

/**
 * Who judges a challenge: the first three by SHA-256 over settlement, challenger and node of the roster (else of the manifest's
 * witnesses), one of a branch, none of them a party. Neither side alone can choose both: who does the work names no challenger, and
 * a challenger that could try challenges until its friends are drawn would win them all.
 */
export function panelFor(
  { settlement, challenger }: { readonly settlement: string; readonly challenger: NodeId },
  policy: EconomyPolicy,
  roster: WitnessRoster | null,
  parties: ReadonlySet<NodeId>,
): readonly NodeId[] {
  const eligible = roster?.eligible ?? policy.witnesses.map((node) => ({ node, branch: node }));
  const ranked = eligible
    .filter(({ node }) => !parties.has(node))
    .map((one) => ({ ...one, rank: hex(sha256(utf8(`panel ${settlement} ${challenger} ${one.node}`))) }))
    .sort((x, y) => (x.rank < y.rank ? -1 : 1));
  const branches = new Set<string>();
  const panel: NodeId[] = [];
  for (const { node, branch } of ranked) {
    if (panel.length === PANEL_SIZE || branches.has(branch)) continue;
    branches.add(branch);
    panel.push(node);
  }
  return panel;
}

export interface RulingContext {
  /** Null: no such challenge was accepted. */
  readonly challenge: { readonly id: string; readonly commitmentId: string } | null;
  readonly panel: readonly NodeId[];
  readonly verdicts: readonly OpenedVerdict[];
}

export const RULING_RULES: readonly Rule<RulingContext>[] = [
  {
    name: 'no_challenge',
    sentence: 'A ruling is about no challenge.',
    holds: ({ challenge }) => challenge !== null,
  },
  {
    name: 'not_the_panel',
    sentence: 'A ruling holds a verdict of somebody who was not drawn, or one twice.',
    holds: ({ panel, verdicts }) =>
      verdicts.every(({ verdict }) => panel.includes(verdict.validator)) &&
      new Set(verdicts.map(({ verdict }) => verdict.validator)).size === verdicts.length,
  },
  {
    name: 'foreign_verdict',
    sentence: 'A verdict is about other work.',
    holds: ({ challenge, verdicts }) => verdicts.every(({ verdict }) => verdict.commitment === challenge!.commitmentId),
  },
  {
    name: 'no_majority',
    sentence: 'A ruling has no majority of the panel for either side.',
    holds: ({ panel, verdicts }) => panel.length > 0 && rulingOf(panel, verdicts) !== null,
  },
];

/** What most of the whole panel found; those who are silent or could not tell are for nobody. */
export function rulingOf(panel: readonly NodeId[], verdicts: readonly OpenedVerdict[]): 'upheld' | 'dismissed' | null {
  const needed = Math.floor(panel.length / 2) + 1;
  const count = (wanted: string): number => verdicts.filter(({ verdict }) => verdict.verdict === wanted).length;
  if (count('rejected') >= needed) return 'upheld';
  return count('accepted') >= needed ? 'dismissed' : null;
}
