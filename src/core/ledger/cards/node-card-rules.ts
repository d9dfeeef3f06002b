import {
  CAPACITY_PROBE_RECEIPT,
  outOfTime,
  RECEIPT_OF_ROLE,
  reportOf,
  type CardReport,
  type EarningRole,
  type Violation,
} from './card-fields';
import type { SignedNodeCard } from './node-card';

/** When a node card is valid. Each rule looks at one thing and says what is wrong with it, or null. */

type Rule = (card: SignedNodeCard) => Violation | null;

export const aHostEarnsWithSomething: Rule = ({ economicPolicy }) =>
  economicPolicy.earningRoles.length > 0
    ? null
    : { code: 'no_earning_role', sentence: 'The node card names no role that it takes credits for.' };

export const earningRolesAreAvailable: Rule = ({ economicPolicy, availableRoles }) => {
  const beyond = economicPolicy.earningRoles.filter((role) => !availableRoles.includes(role));
  if (beyond.length === 0) return null;
  return {
    code: 'role_unavailable',
    sentence: `The node card would earn with ${beyond.join(', ')}, which it does not offer.`,
  };
};

/** The names among those needed that are not in the list. */
export const missingReceipts = (roles: readonly EarningRole[], listed: readonly string[]): readonly string[] =>
  roles.map((role) => RECEIPT_OF_ROLE[role]).filter((name) => !listed.includes(name));

export const everyEarningRoleHasItsReceipt: Rule = ({ economicPolicy, receiptsRequired }) => {
  const missing = missingReceipts(economicPolicy.earningRoles, receiptsRequired);
  if (missing.length === 0) return null;
  return { code: 'receipt_not_required', sentence: `The node card does not require ${missing.join(', ')}.` };
};

export const capacityIsToBeProbed: Rule = ({ receiptsRequired }) =>
  receiptsRequired.includes(CAPACITY_PROBE_RECEIPT)
    ? null
    : { code: 'capacity_not_probed', sentence: 'The node card asks for no proof of its capacity.' };

export const graphicsProcessorsHaveMemory: Rule = ({ capacity: { gpuCount, gpuMemoryMib } }) =>
  gpuCount === 0 || gpuMemoryMib > 0
    ? null
    : { code: 'gpu_without_memory', sentence: 'The node card names a graphics processor without memory.' };

export const noTaskIsAcceptedAndRejected: Rule = ({ hostPolicy }) => {
  const both = hostPolicy.acceptedTaskClasses.filter((one) => hostPolicy.rejectedTaskClasses.includes(one));
  if (both.length === 0) return null;
  return { code: 'task_class_both_ways', sentence: `The node card accepts and rejects ${both.join(', ')}.` };
};

const RULES: readonly Rule[] = [
  aHostEarnsWithSomething,
  earningRolesAreAvailable,
  everyEarningRoleHasItsReceipt,
  capacityIsToBeProbed,
  graphicsProcessorsHaveMemory,
  noTaskIsAcceptedAndRejected,
];

/** Everything that speaks against a card at this time: `expired` or `not_yet_valid`, then every broken rule. */
export const reportNodeCard = (card: SignedNodeCard, now: number): CardReport =>
  reportOf([outOfTime(card, now, 'The node card'), ...RULES.map((rule) => rule(card))]);
