import type { NodeId } from '#core/base/ids';
import type { CapabilityId } from '#core/bus/capability';
import { realGraphics, type DeviceMeasure } from '#core/engines/device-measure';
import { rolesOf } from '#core/engines/device-roles';
import type { ModelManifest } from '#core/engines/model-manifest';
import type { ExpertCard } from '#core/experts/expert-card';
import { MAX_JOBS_HELD } from '#core/jobs/executor';
import {
  CAPACITY_PROBE_RECEIPT,
  EARNING_ROLES,
  RECEIPT_OF_ROLE,
  ROUTE_TRACE_RECEIPT,
  type EarningRole,
} from '#core/ledger/cards/card-fields';
import type { AdvertisementDraft } from '#core/ledger/cards/host-advertisement';
import { localityBucketOf } from '#core/ledger/cards/locality';
import { CURRENCY } from '#core/ledger/cards/money';
import type { NodeCardDraft } from '#core/ledger/cards/node-card';
import { defaultRateMicros, verificationRateMicros } from '#core/ledger/cards/rates';
import { jobRun } from '#services/job-run/contract';
import { llmChat } from '#services/llm-chat/contract';
import type { Settings } from '../tab-node';

const MIB = 1024 ** 2;
const HOURS_OF_A_DAY = 24;
/** Where models run in a tab; code that others wrote does not run here. */
const SANDBOX_PROFILE = 'web-worker';

/** What this node knows of itself when it makes its cards. */
export interface HostFacts {
  readonly self: NodeId;
  /** The identity that certifies this node; null before there is one. */
  readonly identity: NodeId | null;
  /** Capabilities that peers may call now. */
  readonly offered: readonly CapabilityId[];
  /** Of these, the ones that do work. */
  readonly work: readonly CapabilityId[];
  /** What it answers with, once that has an expert card and stands in a catalogue. */
  readonly served: { readonly card: ExpertCard & { readonly id: string }; readonly manifest: ModelManifest } | null;
  /** What was measured; null before the person asked for it. */
  readonly measure: DeviceMeasure | null;
  /** What the browser tells without being asked to do anything. */
  readonly memoryGb: number | null;
  readonly downlinkMbps: number | null;
  readonly timeZone: string | null;
  readonly settings: Pick<Settings, 'hours' | 'rateMicros' | 'minimumJobMicros'>;
  readonly at: number;
}

/** What an answer costs per token: as the person says, or by the size of the model. */
export const inferenceRateMicros = (
  { rateMicros }: Pick<Settings, 'rateMicros'>,
  { parameters }: Pick<ModelManifest, 'parameters'>,
): number => rateMicros ?? defaultRateMicros(parameters);

function rolesNow({ offered }: HostFacts): readonly EarningRole[] {
  const able: Readonly<Record<EarningRole, boolean>> = {
    inference: offered.includes(llmChat.id),
    // Tabs train nothing for others yet.
    training: false,
    verification: offered.some((id) => id.startsWith('check.')),
  };
  return EARNING_ROLES.filter((role) => able[role]);
}

function uptimeHours({ hours }: Pick<Settings, 'hours'>): number {
  if (hours === null || hours.from === hours.to) return HOURS_OF_A_DAY;
  return (hours.to - hours.from + HOURS_OF_A_DAY) % HOURS_OF_A_DAY;
}

/** A browser never tells how much graphics memory there is: the largest single buffer is what pages are sure to get. */
function capacityOf({ measure, served, memoryGb, downlinkMbps, settings }: HostFacts): NodeCardDraft['capacity'] {
  const graphics = measure === null ? null : realGraphics(measure.device);
  const gpuMemoryMib = graphics === null ? 0 : Math.floor(graphics.maxBufferBytes / MIB);
  const whole = (figure: number | null): number | null => (figure === null || figure < 1 ? null : Math.floor(figure));
  return {
    deviceClass: measure === null ? 'unmeasured' : rolesOf(measure).tier,
    gpuCount: gpuMemoryMib > 0 ? 1 : 0,
    gpuMemoryMib,
    memoryGb: whole(measure?.device.memoryHintGb ?? memoryGb),
    bandwidthMbps: whole(downlinkMbps),
    maxConcurrentJobs: MAX_JOBS_HELD,
    uptimeWindowHours: uptimeHours(settings),
    decodeMilliTokensPerS: served?.card.decodeMilliTokensPerS ?? null,
  };
}

const ratesOf = ({ settings, served }: HostFacts): Readonly<Record<EarningRole, number>> => {
  const inference = served === null ? (settings.rateMicros ?? 0) : inferenceRateMicros(settings, served.manifest);
  return { inference, training: 0, verification: verificationRateMicros(inference) };
};

/** The card of this node as it stands; null while it offers nothing that it could earn with. */
export function nodeCardDraft(facts: HostFacts): NodeCardDraft | null {
  const roles = rolesNow(facts);
  if (roles.length === 0) return null;
  const { self, identity, served, work, offered, timeZone, at } = facts;
  return {
    owner: identity ?? self,
    availableRoles: [...roles],
    experts: served === null ? [] : [offeredExpert(served)],
    locality: { bucket: localityBucketOf(timeZone), jurisdictionHint: null, exactLocationDisclosed: false },
    capacity: capacityOf(facts),
    economicPolicy: {
      creditAccount: self,
      currency: CURRENCY,
      earningRoles: [...roles],
      minimumRateMicros: ratesOf(facts),
      collateralRequiredMicros: 0,
      resaleAllowed: false,
    },
    hostPolicy: {
      acceptedTaskClasses: work.filter((id) => offered.includes(id)),
      rejectedTaskClasses: [],
      sandboxProfiles: [SANDBOX_PROFILE],
      maxPromptPrivacyClass: 'private_prohibited',
    },
    receiptsRequired: [...receiptsOf(roles), CAPACITY_PROBE_RECEIPT],
    at,
  };
}

const receiptsOf = (roles: readonly EarningRole[]): readonly string[] => [
  ...roles.map((role) => RECEIPT_OF_ROLE[role]),
  ...(roles.includes('inference') ? [ROUTE_TRACE_RECEIPT] : []),
];

const offeredExpert = ({ card }: NonNullable<HostFacts['served']>) => ({
  expert: card.expert,
  modelHash: card.modelHash,
  expertCard: card.id,
});

/** What this node asks for with the model that it answers with; null while it answers with none. */
export function advertisementDraft(facts: HostFacts): AdvertisementDraft | null {
  const roles = rolesNow(facts);
  const { served, offered, settings, at } = facts;
  if (served === null || !roles.includes('inference')) return null;
  const rates = ratesOf(facts);
  const rateOf = (role: EarningRole): number | null => (roles.includes(role) ? rates[role] : null);
  return {
    ...offeredExpert(served),
    offer: {
      roles: [...roles],
      acceptedPayment: [CURRENCY],
      rateMicros: {
        inference: rateOf('inference'),
        training: rateOf('training'),
        verification: rateOf('verification'),
      },
      minimumJobMicros: settings.minimumJobMicros,
    },
    policy: {
      acceptedTaskClasses: served.card.capabilities.filter((id) => offered.includes(id)),
      maxPromptPrivacyClass: 'private_prohibited',
      sandboxProfile: SANDBOX_PROFILE,
    },
    receiptRequirements: [...receiptsOf(roles)],
    maxConcurrentJobs: MAX_JOBS_HELD,
    endpointHint: jobRun.id,
    at,
  };
}
