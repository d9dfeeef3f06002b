import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { CapabilityId } from '#core/bus/capability';
import type { NodeCard } from '#core/bus/messages';
import type { Roster } from '#core/bus/roster';
import type { AuditRecord } from '#core/experts/audit';
import type { Stakes } from '#core/experts/job-class';
import type { Payments, PipelineDeps } from '#core/experts/run';
import type { Candidate, WorkKinds } from '#core/experts/work-kind';
import type { Executor, JobResult } from '#core/jobs/executor';
import type { Ledger } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
import { checkReveal } from '#services/check-reveal/contract';
import { jobRun } from '#services/job-run/contract';
import { receiptKeep } from '#services/receipt-keep/contract';
import { receiptSign } from '#services/receipt-sign/contract';
import { encoderTasks, type CheckCapability } from '#services/work-services';
import { checkedJob } from './checked-job';
import type { MarginHistograms } from './margin-histograms';
import type { ValidatorRecords } from './planted-checks';
import type { EncoderChoice } from './served-encoders';

/** Pairs of node and model whose checks are counted; the longest untouched are forgotten and begin anew. */
const MAX_AUDITS = 1_024;

export interface NodeParts {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly ledger: () => Ledger;
  readonly links: Links;
  readonly roster: Roster;
  readonly bus: Bus;
  readonly executor: Executor;
  readonly kinds: WorkKinds;
  readonly checks: ReadonlyMap<CapabilityId, CheckCapability>;
  readonly servedEncoders: Readonly<EncoderChoice>;
  /** This node's models as its card names them. */
  readonly notes: () => NodeCard['models'];
  readonly tokensPerSecond: () => number | null;
  /** The founder's invitation by which this node's own line came in; null where there is none. */
  readonly branch: string | null;
  readonly validatorRecords: ValidatorRecords;
  readonly histograms: MarginHistograms;
  /** Which version of a model a request goes to, by its hash; null: any. */
  readonly versionFor: (modelId: string, traceId: string, stakes: Stakes) => string | null;
  readonly payments: Payments | null;
  readonly judge: PipelineDeps['judge'];
  readonly auditors: PipelineDeps['auditors'];
  readonly askAudit: PipelineDeps['askAudit'];
}

/** What the pipeline needs of the node around it: fetched with the pipeline, when the first question is asked. */
export function createPipelineDeps(parts: NodeParts): PipelineDeps {
  const { signer, verify, clock, chance, ledger, links, roster, bus, executor } = parts;
  const self = signer.nodeId;
  /** Who was demoted to somebody unknown may be talked to, but gets no work and judges none. */
  const isMember = (node: NodeId): boolean => (links.to(node)?.admission.trust ?? 'unknown') !== 'unknown';

  const ownRecord = { completed: 0, failed: 0, accepted: 0, rejected: 0 };
  /** The models that may do this work: the ones that answer, or those that embed, or those that rank. */
  const modelsFor = (capability: CapabilityId, models: NodeCard['models']) =>
    models.filter(({ task }) => task === encoderTasks.get(capability));
  /** Whether this node has what the work needs, besides the code for it. */
  const canDo = (capability: CapabilityId): boolean => {
    const task = encoderTasks.get(capability);
    return bus.has(capability) && (task === undefined || parts.servedEncoders[task] !== null);
  };
  const audits = new Map<string, AuditRecord>();
  const sameOwner = (a: NodeId, b: NodeId): boolean => {
    const owner = links.to(a)?.admission.identity ?? null;
    return owner !== null && owner === links.to(b)?.admission.identity;
  };
  const branchOf = (node: NodeId): string | null =>
    node === self ? parts.branch : (links.to(node)?.admission.branch ?? null);
  /** Devices of one class may fail alike; what tells them apart here is only to be different. */
  const deviceClassOf = (node: NodeId): string => {
    const device = node === self ? null : (roster.get(node)?.card?.device ?? null);
    return `${device?.webgpu ?? '?'} ${device?.cores ?? '?'} ${device?.memoryGb ?? '?'}`;
  };
  return {
    signer,
    verify,
    clock,
    chance,
    ledger,
    candidates: (capability) =>
      roster
        .offering(capability)
        .filter((entry) => isMember(entry.node) && entry.card!.capabilities.includes(jobRun.id))
        .map((entry): Candidate => ({
          node: entry.node,
          local: false,
          rttMs: entry.rttMs,
          runningJobs: entry.card!.runningJobs,
          tokensPerSecond: entry.card!.device?.tokensPerSecond ?? null,
          models: modelsFor(capability, entry.card!.models),
          record: entry.record,
        })),
    self: (capability) =>
      canDo(capability)
        ? {
            node: self,
            local: true,
            rttMs: 0,
            runningJobs: executor.running.length,
            tokensPerSecond: parts.tokensPerSecond(),
            models: modelsFor(capability, parts.notes()),
            record: ownRecord,
          }
        : null,
    validators: (check, model) =>
      roster
        .offering(check)
        .filter((entry) => isMember(entry.node))
        .filter(
          ({ card }) =>
            model === null || card!.models.some(({ hash, engine }) => hash === model.hash && engine === model.engine),
        )
        .flatMap(({ node }) => {
          const standing = parts.validatorRecords.standingOf(node);
          return standing === 'failed' ? [] : [{ node, standing, deviceClass: deviceClassOf(node) }];
        }),
    giveJob(provider, order, signal, onChunk) {
      if (provider === self) return executor.run(order, self, signal, onChunk);
      const { unchecked: _unchecked, ...told } = order;
      return checkedJob(parts.kinds.get(order.capability)?.capability, signal, onChunk, async (given) => {
        const done = await bus.call(jobRun, told, { provider, ...given });
        return done as Result<JobResult>;
      });
    },
    async askCheck(validator, check, claim, timeoutMs) {
      const capability = parts.checks.get(check);
      if (!capability) return fail('nobody_offers', `Nobody knows the check ${check}.`);
      // Running tests or a large model takes longer than looking at tokens: the check's own contract says how long.
      const answered = await bus.call(capability, claim, {
        provider: validator,
        timeoutMs: Math.max(timeoutMs, capability.timeoutMs),
      });
      return answered.ok ? ok(answered.value.sealed) : answered;
    },
    askReveal: (validator, jobId) => bus.call(checkReveal, { jobId }, { provider: validator }),
    async askSignature(node, receipt) {
      const answered = await bus.call(receiptSign, { receipt }, { provider: node });
      return answered.ok ? ok(answered.value.signature) : answered;
    },
    handReceipt: (node, receipt) => bus.call(receiptKeep, { receipt }, { provider: node }),
    nodeChanged: roster.changed,
    sameOwner,
    sameBranch(a, b) {
      const branch = branchOf(a);
      return a === b || sameOwner(a, b) || (branch !== null && branch === branchOf(b));
    },
    versionFor: parts.versionFor,
    ...(parts.payments === null ? {} : { payments: parts.payments }),
    judge: parts.judge,
    auditors: parts.auditors,
    askAudit: parts.askAudit,
    noteMargins: (executor, validator, evidence) =>
      parts.histograms.note(deviceClassOf(executor), deviceClassOf(validator), evidence),
    lost(node) {
      if (node === self) return false;
      const entry = roster.get(node);
      return entry === null || entry.state === 'offline';
    },
    audits: {
      get: (node, modelHash) => audits.get(`${node}/${modelHash}`),
      set(node, modelHash, record) {
        const key = `${node}/${modelHash}`;
        audits.delete(key);
        audits.set(key, record);
        if (audits.size > MAX_AUDITS) audits.delete(audits.keys().next().value!);
      },
    },
    assigned: (node) => roster.assigned(node),
    outcome(node, outcome) {
      if (node !== self) roster.outcome(node, outcome, clock.monotonicMs());
    },
  };
}
