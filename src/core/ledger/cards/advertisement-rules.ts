import { violationsOf, type NamingRule } from '../rules/naming-rule';
import type { Rule } from '../rules/rule';
import { EARNING_ROLES, PRIVACY_CLASSES, reportOf, type CardReport } from './card-fields';
import { outOfTime } from './time-rules';
import type { HostAdvertisement } from './host-advertisement';
import type { OpenedNodeCard } from './node-card';
import { missingReceipts } from './node-card-rules';

/** An offer beside the card of its node. */
export interface OfferOnCard {
  readonly offered: HostAdvertisement;
  readonly card: OpenedNodeCard;
}

const among = <T>(wanted: readonly T[], allowed: readonly T[]): readonly T[] =>
  wanted.filter((one) => !allowed.includes(one));

const listedIn = ({ offered: { expert, modelHash }, card }: OfferOnCard) =>
  card.experts.find((one) => one.expert === expert && one.modelHash === modelHash);

/** When an offer is valid beside the card of its node. Each rule looks at one thing, whatever the others found. */
export const ADVERTISEMENT_RULES: readonly (Rule<OfferOnCard> | NamingRule<OfferOnCard>)[] = [
  {
    name: 'other_node',
    sentence: 'The offer is of another node than the card.',
    holds: ({ offered, card }) => offered.node === card.node,
  },
  {
    name: 'other_card',
    sentence: 'The offer stands on another card of its node.',
    holds: ({ offered, card }) => offered.nodeCard === card.id,
  },
  {
    name: 'other_locality',
    sentence: 'The offer names another region than the card.',
    holds: ({ offered, card }) => offered.localityBucket === card.locality.bucket,
  },
  {
    name: 'expert_not_listed',
    sentence: 'The node card does not list ….',
    wrong: (both) => (listedIn(both) === undefined ? [both.offered.expert] : []),
  },
  {
    name: 'other_expert_card',
    sentence: 'The offer names another expert card than the node card does.',
    // An expert that is not listed at all is told once.
    holds: (both) => (listedIn(both)?.expertCard ?? both.offered.expertCard) === both.offered.expertCard,
  },
  {
    name: 'nothing_offered',
    sentence: 'The offer names no role.',
    holds: ({ offered: { offer } }) => offer.roles.length > 0,
  },
  {
    name: 'role_unavailable',
    sentence: 'The node card does not have the role ….',
    wrong: ({ offered: { offer }, card }) => among(offer.roles, card.availableRoles),
  },
  {
    name: 'role_not_earning',
    sentence: 'The node card takes no credits for ….',
    wrong: ({ offered: { offer }, card }) => among(offer.roles, card.economicPolicy.earningRoles),
  },
  {
    name: 'receipt_not_required',
    sentence: 'The offer does not require ….',
    wrong: ({ offered: { offer, receiptRequirements } }) => missingReceipts(offer.roles, receiptRequirements),
  },
  {
    // A price for what is offered, and none for what is not.
    name: 'rate_and_role_differ',
    sentence: 'The offer’s rates and roles differ in ….',
    wrong: ({ offered: { offer } }) =>
      EARNING_ROLES.filter((role) => offer.roles.includes(role) !== (offer.rateMicros[role] !== null)),
  },
  {
    name: 'rate_below_minimum',
    sentence: 'The offer’s rate for … is below the card’s minimum.',
    wrong: ({ offered: { offer }, card: { economicPolicy } }) =>
      offer.roles.filter((role) => (offer.rateMicros[role] ?? Infinity) < economicPolicy.minimumRateMicros[role]),
  },
  {
    name: 'too_many_jobs',
    sentence: 'The offer takes more jobs at once than the node card allows.',
    holds: ({ offered: { availability }, card: { capacity } }) =>
      availability.maxConcurrentJobs <= capacity.maxConcurrentJobs,
  },
  {
    name: 'too_many_hours',
    sentence: 'The offer promises more hours than the node card does.',
    holds: ({ offered: { availability }, card: { capacity } }) =>
      availability.uptimeWindowHours <= capacity.uptimeWindowHours,
  },
  {
    name: 'other_device_class',
    sentence: 'The offer names another class of device than the node card.',
    holds: ({ offered: { availability }, card: { capacity } }) => availability.deviceClass === capacity.deviceClass,
  },
  {
    name: 'task_class_not_accepted',
    sentence: 'The node card does not accept ….',
    wrong: ({ offered: { policy }, card: { hostPolicy } }) =>
      among(policy.acceptedTaskClasses, hostPolicy.acceptedTaskClasses),
  },
  {
    name: 'sandbox_not_offered',
    sentence: 'The node card has no sandbox ….',
    wrong: ({ offered: { policy }, card: { hostPolicy } }) =>
      among([policy.sandboxProfile], hostPolicy.sandboxProfiles),
  },
  {
    name: 'too_private',
    sentence: 'The offer takes more private prompts than the node card allows.',
    holds: ({ offered: { policy }, card: { hostPolicy } }) =>
      PRIVACY_CLASSES.indexOf(policy.maxPromptPrivacyClass) <=
      PRIVACY_CLASSES.indexOf(hostPolicy.maxPromptPrivacyClass),
  },
];

/**
 * Everything that speaks against an offer at this time: `expired` or `not_yet_valid`, of the offer and of the card that it
 * stands on, then every broken rule.
 */
export const reportAdvertisement = (offered: HostAdvertisement, card: OpenedNodeCard, now: number): CardReport =>
  reportOf([
    outOfTime(offered, now, 'The offer'),
    outOfTime(card, now, 'The node card'),
    ...violationsOf(ADVERTISEMENT_RULES, { offered, card }),
  ]);
