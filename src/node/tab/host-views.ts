import type { EventSource } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Failure, Result } from '#core/base/result';
import type { OpenedExpertCard } from '#core/experts/expert-card';
import type { EarningRole } from '#core/ledger/cards/card-fields';
import type { OpenedPapers } from '#core/ledger/cards/node-papers';

/** One offer as it is shown. Money in micros of a credit. */
export interface OfferView {
  readonly id: string;
  readonly expert: string;
  readonly modelHash: string;
  readonly rates: readonly { readonly role: EarningRole; readonly rateMicros: number }[];
  readonly minimumJobMicros: number;
  readonly maxConcurrentJobs: number;
  readonly taskClasses: readonly string[];
  readonly sandboxProfile: string;
  readonly receipts: readonly string[];
  readonly validUntil: number;
  /** What the expert card that the offer names says; null when the node did not show that card. */
  readonly expertCard: {
    readonly writesPerS: number;
    readonly licence: string | null;
    readonly evaluated: boolean;
  } | null;
}

/** A host as its card and its offers say it. */
export interface HostView {
  readonly nodeId: NodeId;
  readonly cardId: string;
  /** Whose node it says it is; null where it names nobody but itself. */
  readonly owner: { readonly id: NodeId; readonly proven: boolean } | null;
  readonly roles: readonly { readonly role: EarningRole; readonly earns: boolean }[];
  readonly capacity: OpenedPapers['card']['capacity'];
  /** The continent, or `unknown`. */
  readonly locality: OpenedPapers['card']['locality']['bucket'];
  readonly taskClasses: readonly string[];
  readonly promptPrivacy: OpenedPapers['card']['hostPolicy']['maxPromptPrivacyClass'];
  readonly receipts: readonly string[];
  readonly resaleAllowed: boolean;
  readonly signedAt: number;
  readonly validUntil: number;
  readonly offers: readonly OfferView[];
  /** Offers that were refused, and why. */
  readonly refused: readonly Failure[];
}

export interface OwnHostView {
  /** What others see of this node; null while there is nothing to see. */
  readonly host: HostView | null;
  /** Why there is nothing to see, or what is missing; empty otherwise. */
  readonly reason: string;
  /** Micros per token that the served model costs unless the person says otherwise; null while no catalogue names it. */
  readonly defaultRateMicros: number | null;
}

/** Cards and offers of this node and of others. */
export interface HostsDesk {
  readonly changed: EventSource<void>;
  /** This node, as others see it now. */
  own(): Promise<OwnHostView>;
  /** Asks a linked node for its card and offers and checks them. Codes of the bus, of `openNodePapers`, and `other_owner`. */
  ask(node: NodeId): Promise<Result<HostView>>;
}

export function hostView(
  { card, advertisements, refused }: OpenedPapers,
  expertCards: readonly OpenedExpertCard[],
  ownerProven: boolean,
): HostView {
  const { economicPolicy, hostPolicy } = card;
  return {
    nodeId: card.node,
    cardId: card.id,
    owner: card.owner === card.node ? null : { id: card.owner, proven: ownerProven },
    roles: card.availableRoles.map((role) => ({ role, earns: economicPolicy.earningRoles.includes(role) })),
    capacity: card.capacity,
    locality: card.locality.bucket,
    taskClasses: hostPolicy.acceptedTaskClasses,
    promptPrivacy: hostPolicy.maxPromptPrivacyClass,
    receipts: card.receiptsRequired,
    resaleAllowed: economicPolicy.resaleAllowed,
    signedAt: card.at,
    validUntil: card.expiresAt,
    offers: advertisements.map((offered): OfferView => {
      const { offer, availability, policy } = offered;
      const expert = expertCards.find(({ id }) => id === offered.expertCard);
      return {
        id: offered.id,
        expert: offered.expert,
        modelHash: offered.modelHash,
        rates: offer.roles.map((role) => ({ role, rateMicros: offer.rateMicros[role] ?? 0 })),
        minimumJobMicros: offer.minimumJobMicros,
        maxConcurrentJobs: availability.maxConcurrentJobs,
        taskClasses: policy.acceptedTaskClasses,
        sandboxProfile: policy.sandboxProfile,
        receipts: offered.receiptRequirements,
        validUntil: offered.expiresAt,
        expertCard:
          expert === undefined
            ? null
            : {
                writesPerS: expert.decodeMilliTokensPerS / 1_000,
                licence: expert.licence ?? null,
                evaluated: expert.scores.length > 0,
              },
      };
    }),
    refused,
  };
}
