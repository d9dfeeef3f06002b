import { utf8 } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import type { AdvertisementDraft } from '#core/ledger/cards/host-advertisement';
import type { NodeCardDraft } from '#core/ledger/cards/node-card';
import { createSeedSigner } from '#adapters/signer-seed';
import { hexOf } from './admission-input';

export const CARDS_AT = 1_800_000_000_000;
export const host = createSeedSigner(sha256(utf8('host')));

const sage = { expert: 'sage-2', modelHash: hexOf('1'), expertCard: cidOf(encodeCanonical('the card of sage')) };

/** A card of a desktop that answers and checks with one model. */
export const nodeCardDraft: NodeCardDraft = {
  owner: host.nodeId,
  availableRoles: ['inference', 'verification'],
  experts: [sage],
  locality: { bucket: 'europe', jurisdictionHint: null, exactLocationDisclosed: false },
  capacity: {
    deviceClass: '12-gb',
    gpuCount: 1,
    gpuMemoryMib: 4_096,
    memoryGb: 8,
    bandwidthMbps: 10,
    maxConcurrentJobs: 8,
    uptimeWindowHours: 14,
    decodeMilliTokensPerS: 50_000,
  },
  economicPolicy: {
    creditAccount: host.nodeId,
    currency: 'AEM_CREDIT',
    earningRoles: ['inference', 'verification'],
    minimumRateMicros: { inference: 150, training: 0, verification: 45 },
    collateralRequiredMicros: 0,
    resaleAllowed: false,
  },
  hostPolicy: {
    acceptedTaskClasses: ['llm.chat@1', 'text_stats@1'],
    rejectedTaskClasses: [],
    sandboxProfiles: ['web-worker'],
    maxPromptPrivacyClass: 'redacted',
  },
  receiptsRequired: ['inference_work_receipt', 'verification_receipt', 'capacity_probe_receipt'],
  at: CARDS_AT,
};

export const advertisementDraft: AdvertisementDraft = {
  ...sage,
  offer: {
    roles: ['inference', 'verification'],
    acceptedPayment: ['AEM_CREDIT'],
    rateMicros: { inference: 150, training: null, verification: 45 },
    minimumJobMicros: 1_000,
  },
  policy: {
    acceptedTaskClasses: ['llm.chat@1'],
    maxPromptPrivacyClass: 'redacted',
    sandboxProfile: 'web-worker',
  },
  receiptRequirements: ['inference_work_receipt', 'route_trace_receipt', 'verification_receipt'],
  maxConcurrentJobs: 4,
  endpointHint: 'job.run@1',
  at: CARDS_AT,
};
