import type { NodeId } from '../../base/ids';
import type { EconomyPolicy } from '../../identity/economy-policy';
import type { OpenedContribution } from '../contribution-terms';
import type { EventOf } from '../events';
import type { MintApproval } from '../mint-approval';
import type { Rule } from './rule';

export interface MintContext {
  readonly community: string;
  readonly policy: EconomyPolicy | null;
  readonly mint: EventOf<'credit.minted'>;
  readonly contribution: OpenedContribution;
  readonly approvals: readonly { readonly by: NodeId; readonly approval: MintApproval }[];
  /** Whose log it stands in. */
  readonly author: NodeId;
  /** Whether it stands in that log before. */
  readonly before: boolean;
}

/** More than half of the curators: two of three. */
export const curatorsNeeded = ({ curators }: EconomyPolicy): number => Math.floor(curators.length / 2) + 1;

export const MINT_RULES: readonly Rule<MintContext>[] = [
  {
    name: 'minting_off',
    sentence: 'This community mints no credit.',
    holds: ({ policy }) => policy !== null && policy.mint,
  },
  {
    name: 'nothing_contributed',
    sentence: 'Credit is minted for no accepted contribution.',
    holds: ({ contribution }) => contribution.fault === null,
  },
  {
    name: 'wrong_account',
    sentence: 'Credit is minted for somebody else than who contributed.',
    holds: ({ mint, contribution, author }) => mint.to === contribution.account && mint.to === author,
  },
  {
    name: 'minted_twice',
    sentence: 'Credit for one contribution is minted twice.',
    holds: ({ before }) => !before,
  },
  {
    name: 'wrong_amount',
    sentence: 'More or less is minted than the contribution is worth.',
    holds: ({ mint, contribution }) => mint.amountMicros === contribution.mintMicros,
  },
  {
    name: 'approves_own',
    sentence: 'A curator approved a mint for itself.',
    holds: ({ mint, approvals }) => approvals.every(({ by }) => by !== mint.to),
  },
  {
    name: 'too_few_curators',
    sentence: 'Too few curators approved the mint.',
    holds: ({ community, policy, mint, contribution, approvals }) => {
      const agreed = approvals.filter(
        ({ by, approval }) =>
          policy!.curators.includes(by) &&
          approval.community === community &&
          approval.receipt === contribution.receipt &&
          approval.to === mint.to &&
          approval.amountMicros === mint.amountMicros,
      );
      return new Set(agreed.map(({ by }) => by)).size >= curatorsNeeded(policy!);
    },
  },
];
