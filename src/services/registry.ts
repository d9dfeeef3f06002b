import type { CapabilityId, ServiceDefinition } from '#core/bus/capability';
import type { NodeId } from '#core/base/ids';
import type { Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { WorkKind, WorkKinds } from '#core/experts/work-kind';
import type { Executor } from '#core/jobs/executor';
import { createHourlyQuota } from '#core/jobs/quota';
import type { VerdictStatement } from '#core/jobs/statements';
import type { Ledger } from '#core/ledger/ledger';
import { idOfSigned, sign, type Signed } from '#core/wire/signed';
import { checkRedo } from './check-redo/contract';
import { checkRescore } from './check-rescore/contract';
import { deterministicServices, deterministicWorkKinds } from './deterministic';
import { jobRun } from './job-run/contract';
import { llmChat } from './llm-chat/contract';
import { chatKind } from './llm-chat/kind';
import { nodeInfo, type InfoOutput } from './node-info/contract';
import { nodePing } from './node-ping/contract';
import { nodeStats, type StatsOutput } from './node-stats/contract';
import { receiptKeep } from './receipt-keep/contract';
import { receiptSign } from './receipt-sign/contract';

/** When peers may call a service: always, while the person contributes, or then and only with a model loaded and warm. */
export type OfferedWhen = 'always' | 'contributing' | 'model-warm';

export interface RegisteredService {
  readonly definition: ServiceDefinition<never, unknown, never>;
  readonly offered: OfferedWhen;
}

export interface ServiceDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly ledger: () => Ledger;
  readonly executor: () => Executor;
  /** The model with this id, or the node's own when none is named; loads it when needed. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
  /** Runs a service of this node by name, for checks that do a job again. */
  readonly runHere: (capability: CapabilityId, input: unknown) => Promise<Result<unknown>>;
  readonly info: () => InfoOutput;
  readonly stats: () => StatsOutput;
  readonly onVerdictGiven: () => void;
}

/** Verdicts that are remembered, so that a receipt that names one can be recognised; a receipt follows within seconds. */
const VERDICTS_REMEMBERED = 1_024;
/** Checks per hour for one requester, each of which leaves some 500 bytes in this node's log: 5 MB an hour at most. */
const CHECKS_PER_HOUR = 10_000;

export const workKinds: WorkKinds = new Map(
  [chatKind as unknown as WorkKind, ...deterministicWorkKinds].map((kind) => [kind.capability.id, kind]),
);

const service = <Input, Output, Chunk>(
  offered: OfferedWhen,
  definition: ServiceDefinition<Input, Output, Chunk>,
): RegisteredService => ({ offered, definition: definition as unknown as ServiceDefinition<never, unknown, never> });

/** Every service of a node. Their code is fetched when they are first called. */
export function createServices(deps: ServiceDeps): readonly RegisteredService[] {
  const { signer, verify, clock, ledger } = deps;
  const given = new Map<string, { id: string; verdict: string; commitment: string }>();
  const quota = createHourlyQuota(clock, CHECKS_PER_HOUR);
  const keyOf = (requester: NodeId, jobId: string) => `${requester}/${jobId}`;

  /** Signs a verdict; it leaves this device only after it is written down. */
  async function signVerdict(body: VerdictStatement): Promise<Result<Signed>> {
    if (!quota.take(body.requester)) return fail('quota_used_up', 'This node checked enough for you this hour.');
    const verdict = await sign(signer, body);
    const written = await ledger().append({ kind: 'verdict.given', verdict });
    if (!written.ok) return written;
    given.set(keyOf(body.requester, body.jobId), {
      id: idOfSigned(verdict),
      verdict: body.verdict,
      commitment: body.commitment,
    });
    if (given.size > VERDICTS_REMEMBERED) given.delete(given.keys().next().value!);
    deps.onVerdictGiven();
    return ok(verdict);
  }

  const checkDeps = { self: signer.nodeId, verify, now: () => clock.now(), signVerdict };
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
      load: async () =>
        (await import('./receipt-sign/handler')).createReceiptSignHandler({
          signer,
          verify,
          ledger,
          finishedJob: (requester, jobId) => deps.executor().finished(requester, jobId),
          givenVerdict: (requester, jobId) => given.get(keyOf(requester, jobId)) ?? null,
          unitsOf: (job) => workKinds.get(job.commitment.capability as CapabilityId)?.units(job.input, job.output) ?? 0,
        }),
    }),
    service('always', {
      capability: receiptKeep,
      load: async () =>
        (await import('./receipt-keep/handler')).createReceiptKeepHandler({ self: signer.nodeId, verify, ledger }),
    }),
    service('contributing', {
      capability: jobRun,
      load: async () => (await import('./job-run/handler')).createJobRunHandler(deps.executor()),
    }),
    ...deterministicServices.map((definition) => service('contributing', definition)),
    service('contributing', {
      capability: checkRedo,
      async load() {
        const [{ createCheckRedoHandler }, { deterministicJobTypes }] = await Promise.all([
          import('./check-redo/handler'),
          import('./deterministic-job-types'),
        ]);
        const typesByCapability = new Map([...deterministicJobTypes.values()].map((type) => [type.capability, type]));
        return createCheckRedoHandler({
          ...checkDeps,
          async redo(capability, input) {
            const type = typesByCapability.get(capability);
            if (!type) return fail('unsupported', 'This node does not do that work.');
            const fault = type.payloadFault(input);
            return fault === null
              ? deps.runHere(capability, input)
              : fail(fault, 'No result of this payload is valid.');
          },
        });
      },
    }),
    service('model-warm', {
      capability: llmChat,
      load: async () => (await import('./llm-chat/handler')).createChatHandler({ model: deps.model }),
    }),
    service('model-warm', {
      capability: checkRescore,
      load: async () =>
        (await import('./check-rescore/handler')).createCheckRescoreHandler({ ...checkDeps, model: deps.model }),
    }),
  ];
}
