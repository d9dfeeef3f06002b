import type { NodeId } from '../../base/ids';
import type { EconomyPolicy } from '../../identity/economy-policy';
import type { VerificationReceipt } from '../work-receipts';
import type { Rule } from './rule';

/** What a validator was paid for, as the end of the work's reservation in its own log says: there its receipt is held against it. */
export type PaidLook = Pick<
  VerificationReceipt,
  'settlement' | 'jobId' | 'executor' | 'payer' | 'verdict' | 'check' | 'paidMicros'
> & { readonly reservation: string };

export interface LookingContext {
  readonly policy: EconomyPolicy | null;
  readonly community: string;
  /** Whose log it is. */
  readonly author: NodeId;
  readonly receipt: VerificationReceipt;
  /** Null: no such end stands in the author's log, or it has its receipt. */
  readonly look: PaidLook | null;
}

/** A verification receipt moves nothing; what it shows is true all the same. */
export const LOOKING_RULES: readonly Rule<LookingContext>[] = [
  {
    name: 'no_economy',
    sentence: 'Members of this community do not pay each other.',
    holds: ({ policy }) => policy !== null,
  },
  {
    name: 'wrong_community',
    sentence: 'A verification receipt belongs to another community.',
    holds: ({ community, receipt }) => receipt.community === community,
  },
  {
    name: 'not_the_validator',
    sentence: 'A node keeps a verification receipt for what another looked at.',
    holds: ({ author, receipt }) => receipt.validator === author,
  },
  {
    name: 'nothing_looked_at',
    sentence:
      'A verification receipt names no settlement by which its validator was paid, or one that has its receipt.',
    holds: ({ look }) => look !== null,
  },
  {
    name: 'ids_do_not_match',
    sentence: 'Verification receipt and settlement do not name the same job, nodes and verdict.',
    holds: ({ receipt, look }) =>
      receipt.jobId === look!.jobId &&
      receipt.executor === look!.executor &&
      receipt.payer === look!.payer &&
      receipt.verdict === look!.verdict &&
      receipt.check === look!.check,
  },
  {
    name: 'wrong_pay',
    sentence: 'A verification receipt says another pay than the settlement credits.',
    holds: ({ receipt, look }) => receipt.paidMicros === look!.paidMicros,
  },
];
