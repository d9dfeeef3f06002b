import type { CapabilityId, ServiceDefinition } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import type { Executor } from '#core/jobs/executor';
import type { VerdictStatement } from '#core/ledger/statements';
import type { Ledger } from '#core/ledger/ledger';
import { nodeInfo, type InfoOutput } from './node-info/contract';
import { nodePing } from './node-ping/contract';
import { nodeStats, type StatsOutput } from './node-stats/contract';
import { receiptKeep } from './receipt-keep/contract';
import { receiptSign } from './receipt-sign/contract';

/**
 * When peers may call a service: always, while the person contributes, or then and only with a model loaded and warm: the one
 * that answers, or one of those that the person serves beside it.
 */
export type OfferedWhen = 'always' | 'contributing' | 'model-warm' | 'embed-warm' | 'rerank-warm';

export interface RegisteredService {
  readonly definition: ServiceDefinition<never, unknown, never>;
  readonly offered: OfferedWhen;
}

/** Verdicts that are remembered, so that a receipt that names one can be recognised; a receipt follows within seconds. */
const VERDICTS_REMEMBERED = 1_024;

export interface GivenVerdict {
  readonly id: string;
  readonly verdict: VerdictStatement['verdict'];
  readonly commitment: string;
}

/** The verdicts that this node gave lately, by requester and job. */
export interface GivenVerdicts {
  of(requester: NodeId, jobId: string): GivenVerdict | null;
  remember(requester: NodeId, jobId: string, verdict: GivenVerdict): void;
}

export function createGivenVerdicts(): GivenVerdicts {
  const given = new Map<string, GivenVerdict>();
  const keyOf = (requester: NodeId, jobId: string) => `${requester}/${jobId}`;
  return {
    of: (requester, jobId) => given.get(keyOf(requester, jobId)) ?? null,
    remember(requester, jobId, verdict) {
      given.set(keyOf(requester, jobId), verdict);
      if (given.size > VERDICTS_REMEMBERED) given.delete(given.keys().next().value!);
    },
  };
}

export interface BasicServiceDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly ledger: () => Ledger;
  readonly executor: () => Executor;
  readonly verdicts: GivenVerdicts;
  /** Others rejected what this node had computed with a model. */
  readonly onRejected: (modelHash: string) => void;
  readonly info: () => InfoOutput;
  readonly stats: () => StatsOutput;
}

export const service = <Input, Output, Chunk>(
  offered: OfferedWhen,
  definition: ServiceDefinition<Input, Output, Chunk>,
): RegisteredService => ({ offered, definition: definition as unknown as ServiceDefinition<never, unknown, never> });

/**
 * What every node offers from its first moment: presence, and its part in receipts. Everything that works lies in
 * `work-services.ts` and is fetched with the first work.
 */
export function createBasicServices(deps: BasicServiceDeps): readonly RegisteredService[] {
  const { signer, verify, clock, ledger } = deps;
  return [
    service('always', {
      capability: nodePing,
      load: async () => (await import('./node-ping/handler')).createPingHandler(clock),
    }),
    service('always', {
      capability: nodeInfo,
      load: async () => (await import('./node-info/handler')).createInfoHandler(deps.info),
    }),
    service('always', {
      capability: nodeStats,
      load: async () => (await import('./node-stats/handler')).createStatsHandler(deps.stats),
    }),
    service('always', {
      capability: receiptSign,
      async load() {
        const [{ createReceiptSignHandler }, { workKinds }] = await Promise.all([
          import('./receipt-sign/handler'),
          import('./work-services'),
        ]);
        return createReceiptSignHandler({
          signer,
          verify,
          ledger,
          finishedJob: (requester, jobId) => deps.executor().finished(requester, jobId),
          givenVerdict: (requester, jobId) => deps.verdicts.of(requester, jobId),
          unitsOf: (job) => workKinds.get(job.commitment.capability as CapabilityId)?.units(job.input, job.output) ?? 0,
        });
      },
    }),
    service('always', {
      capability: receiptKeep,
      load: async () =>
        (await import('./receipt-keep/handler')).createReceiptKeepHandler({
          self: signer.nodeId,
          verify,
          ledger,
          onRejected: deps.onRejected,
        }),
    }),
  ];
}
