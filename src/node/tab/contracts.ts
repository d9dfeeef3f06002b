import * as v from 'valibot';
import type { Capability, CapabilityId } from '#core/bus/capability';
import { checkOutcome } from '#services/check-outcome/contract';
import { checkRedo } from '#services/check-redo/contract';
import { checkRescore } from '#services/check-rescore/contract';
import { checkReveal } from '#services/check-reveal/contract';
import { expertCards } from '#services/expert-cards/contract';
import { jobRun } from '#services/job-run/contract';
import { nodeCards } from '#services/node-cards/contract';
import { nodeInfo } from '#services/node-info/contract';
import { nodePing } from '#services/node-ping/contract';
import { nodeStats } from '#services/node-stats/contract';
import { receiptKeep } from '#services/receipt-keep/contract';
import { receiptSign } from '#services/receipt-sign/contract';
import { workKinds } from '#services/work-services';

/** A capability of a newer node may take longer than any known here. */
const UNKNOWN_TIMEOUT_MS = 30_000;

const known = new Map<string, Capability<unknown, unknown, unknown>>(
  [
    checkOutcome,
    checkRedo,
    checkRescore,
    checkReveal,
    expertCards,
    jobRun,
    nodeCards,
    nodeInfo,
    nodePing,
    nodeStats,
    receiptKeep,
    receiptSign,
    ...[...workKinds.values()].map((kind) => kind.capability),
  ].map((capability) => [capability.id, capability as unknown as Capability<unknown, unknown, unknown>]),
);

/** The contract of a capability by name; of one that this app does not know, a contract that lets everything through. */
export const contractOf = (id: CapabilityId): Capability<unknown, unknown, unknown> =>
  known.get(id) ?? {
    id,
    input: v.unknown(),
    output: v.unknown(),
    chunk: v.unknown(),
    trust: 'member',
    timeoutMs: UNKNOWN_TIMEOUT_MS,
  };
