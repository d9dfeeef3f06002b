import { EARNING_ROLES, outOfTime, PRIVACY_CLASSES, reportOf, type CardReport, type Violation } from './card-fields';
import type { HostAdvertisement } from './host-advertisement';
import type { OpenedNodeCard } from './node-card';
import { missingReceipts } from './node-card-rules';

/** When an offer is valid beside the card of its node. Each rule looks at one thing and says what is wrong with it, or null. */

type Rule = (offered: HostAdvertisement, card: OpenedNodeCard) => Violation | null;

const among = <T>(wanted: readonly T[], allowed: readonly T[]): readonly T[] =>
  wanted.filter((one) => !allowed.includes(one));

export const offerIsOfTheCardsNode: Rule = ({ node }, card) =>
  node === card.node ? null : { code: 'other_node', sentence: 'The offer is of another node than the card.' };

export const offerStandsOnThisCard: Rule = ({ nodeCard }, card) =>
  nodeCard === card.id ? null : { code: 'other_card', sentence: 'The offer stands on another card of its node.' };

export const offerIsWhereTheCardIs: Rule = ({ localityBucket }, card) =>
  localityBucket === card.locality.bucket
    ? null
    : { code: 'other_locality', sentence: 'The offer names another region than the card.' };

const listedIn = ({ expert, modelHash }: HostAdvertisement, card: OpenedNodeCard) =>
  card.experts.find((one) => one.expert === expert && one.modelHash === modelHash);

export const expertIsListed: Rule = (offered, card) =>
  listedIn(offered, card) !== undefined
    ? null
    : { code: 'expert_not_listed', sentence: `The node card does not list ${offered.expert}.` };

export const expertCardIsTheListedOne: Rule = (offered, card) => {
  const listed = listedIn(offered, card);
  return listed === undefined || listed.expertCard === offered.expertCard
    ? null
    : { code: 'other_expert_card', sentence: 'The offer names another expert card than the node card does.' };
};

export const somethingIsOffered: Rule = ({ offer }) =>
  offer.roles.length > 0 ? null : { code: 'nothing_offered', sentence: 'The offer names no role.' };

export const offeredRolesAreAvailable: Rule = ({ offer }, card) => {
  const beyond = among(offer.roles, card.availableRoles);
  return beyond.length === 0
    ? null
    : { code: 'role_unavailable', sentence: `The node card does not have the role ${beyond.join(', ')}.` };
};

export const offeredRolesEarn: Rule = ({ offer }, card) => {
  const beyond = among(offer.roles, card.economicPolicy.earningRoles);
  return beyond.length === 0
    ? null
    : { code: 'role_not_earning', sentence: `The node card takes no credits for ${beyond.join(', ')}.` };
};

export const everyOfferedRoleHasItsReceipt: Rule = ({ offer, receiptRequirements }) => {
  const missing = missingReceipts(offer.roles, receiptRequirements);
  return missing.length === 0
    ? null
    : { code: 'receipt_not_required', sentence: `The offer does not require ${missing.join(', ')}.` };
};

/** A price for what is offered, and none for what is not. */
export const offeredRolesHaveRates: Rule = ({ offer: { roles, rateMicros } }) => {
  const wrong = EARNING_ROLES.filter((role) => roles.includes(role) !== (rateMicros[role] !== null));
  return wrong.length === 0
    ? null
    : { code: 'rate_and_role_differ', sentence: `The offer's rates and roles differ in ${wrong.join(', ')}.` };
};

export const ratesReachTheMinimum: Rule = ({ offer: { roles, rateMicros } }, { economicPolicy }) => {
  const below = roles.filter((role) => (rateMicros[role] ?? Infinity) < economicPolicy.minimumRateMicros[role]);
  return below.length === 0
    ? null
    : { code: 'rate_below_minimum', sentence: `The offer's rate for ${below.join(', ')} is below the card's minimum.` };
};

export const jobsFitTheNode: Rule = ({ availability }, { capacity }) =>
  availability.maxConcurrentJobs <= capacity.maxConcurrentJobs
    ? null
    : { code: 'too_many_jobs', sentence: 'The offer takes more jobs at once than the node card allows.' };

export const hoursFitTheNode: Rule = ({ availability }, { capacity }) =>
  availability.uptimeWindowHours <= capacity.uptimeWindowHours
    ? null
    : { code: 'too_many_hours', sentence: 'The offer promises more hours than the node card does.' };

export const deviceIsTheCards: Rule = ({ availability }, { capacity }) =>
  availability.deviceClass === capacity.deviceClass
    ? null
    : { code: 'other_device_class', sentence: 'The offer names another class of device than the node card.' };

export const taskClassesAreAccepted: Rule = ({ policy }, { hostPolicy }) => {
  const beyond = among(policy.acceptedTaskClasses, hostPolicy.acceptedTaskClasses);
  return beyond.length === 0
    ? null
    : { code: 'task_class_not_accepted', sentence: `The node card does not accept ${beyond.join(', ')}.` };
};

export const sandboxIsOffered: Rule = ({ policy }, { hostPolicy }) =>
  hostPolicy.sandboxProfiles.includes(policy.sandboxProfile)
    ? null
    : { code: 'sandbox_not_offered', sentence: `The node card has no sandbox ${policy.sandboxProfile}.` };

export const promptsAreNoMorePrivate: Rule = ({ policy }, { hostPolicy }) =>
  PRIVACY_CLASSES.indexOf(policy.maxPromptPrivacyClass) <= PRIVACY_CLASSES.indexOf(hostPolicy.maxPromptPrivacyClass)
    ? null
    : { code: 'too_private', sentence: 'The offer takes more private prompts than the node card allows.' };

const RULES: readonly Rule[] = [
  offerIsOfTheCardsNode,
  offerStandsOnThisCard,
  offerIsWhereTheCardIs,
  expertIsListed,
  expertCardIsTheListedOne,
  somethingIsOffered,
  offeredRolesAreAvailable,
  offeredRolesEarn,
  everyOfferedRoleHasItsReceipt,
  offeredRolesHaveRates,
  ratesReachTheMinimum,
  jobsFitTheNode,
  hoursFitTheNode,
  deviceIsTheCards,
  taskClassesAreAccepted,
  sandboxIsOffered,
  promptsAreNoMorePrivate,
];

/**
 * Everything that speaks against an offer at this time: `expired` or `not_yet_valid`, of the offer and of the card that it
 * stands on, then every broken rule.
 */
export const reportAdvertisement = (offered: HostAdvertisement, card: OpenedNodeCard, now: number): CardReport =>
  reportOf([
    outOfTime(offered, now, 'The offer'),
    outOfTime(card, now, 'The node card'),
    ...RULES.map((rule) => rule(offered, card)),
  ]);
