import { violationsOf, type NamingRule } from '../rules/naming-rule';
import type { Rule } from '../rules/rule';
import { CAPACITY_PROBE_RECEIPT, RECEIPT_OF_ROLE, reportOf, type CardReport, type EarningRole } from './card-fields';
import { outOfTime } from './time-rules';
import type { SignedNodeCard } from './node-card';

/** The names among those needed that are not in the list. */
export const missingReceipts = (roles: readonly EarningRole[], listed: readonly string[]): readonly string[] =>
  roles.map((role) => RECEIPT_OF_ROLE[role]).filter((name) => !listed.includes(name));

/** When a node card is valid. Each rule looks at one thing, whatever the others found. */
export const NODE_CARD_RULES: readonly (Rule<SignedNodeCard> | NamingRule<SignedNodeCard>)[] = [
  {
    name: 'no_earning_role',
    sentence: 'The node card names no role that it takes credits for.',
    holds: ({ economicPolicy }) => economicPolicy.earningRoles.length > 0,
  },
  {
    name: 'role_unavailable',
    sentence: 'The node card would earn with …, which it does not offer.',
    wrong: ({ economicPolicy, availableRoles }) =>
      economicPolicy.earningRoles.filter((role) => !availableRoles.includes(role)),
  },
  {
    name: 'receipt_not_required',
    sentence: 'The node card does not require ….',
    wrong: ({ economicPolicy, receiptsRequired }) => missingReceipts(economicPolicy.earningRoles, receiptsRequired),
  },
  {
    name: 'capacity_not_probed',
    sentence: 'The node card asks for no proof of its capacity.',
    holds: ({ receiptsRequired }) => receiptsRequired.includes(CAPACITY_PROBE_RECEIPT),
  },
  {
    name: 'gpu_without_memory',
    sentence: 'The node card names a graphics processor without memory.',
    holds: ({ capacity: { gpuCount, gpuMemoryMib } }) => gpuCount === 0 || gpuMemoryMib > 0,
  },
  {
    name: 'task_class_both_ways',
    sentence: 'The node card accepts and rejects ….',
    wrong: ({ hostPolicy }) =>
      hostPolicy.acceptedTaskClasses.filter((one) => hostPolicy.rejectedTaskClasses.includes(one)),
  },
];

/** Everything that speaks against a card at this time: `expired` or `not_yet_valid`, then every broken rule. */
export const reportNodeCard = (card: SignedNodeCard, now: number): CardReport =>
  reportOf([outOfTime(card, now, 'The node card'), ...violationsOf(NODE_CARD_RULES, card)]);
