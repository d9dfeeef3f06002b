import { freshId } from '../base/chance';
import type { NodeId } from '../base/ids';
import type { EventSource } from '../base/events';
import type { Chance, Clock, Signer, Verify } from '../base/ports';
import type { Result } from '../base/result';
import type { CapabilityId } from '../bus/capability';
import type { Outcome } from '../bus/roster';
import type { JobOrder, JobResult } from '../jobs/executor';
import type { Ledger } from '../ledger/ledger';
import type { Signature, Signed } from '../wire/signed';
import type { AuditRecord } from './audit';
import type { Stakes } from './job-class';
import type { AuditFinding, CheckEvidence, RouteUpdate, Verdict } from './route';
import type { RevealedVerdict } from './validators/sealed-verdict';
import type { Candidate, WorkKind } from './work-kind';

/** Where a request may go: this device only, other nodes only, one node, or other nodes when there are any. */
export type Provider = 'auto' | 'mesh' | 'self' | { readonly node: NodeId };

export interface WorkRequest<Input = unknown> {
  readonly kind: WorkKind<Input>;
  readonly input: Input;
  readonly provider: Provider;
  /** Only providers with this model; absent: any. */
  readonly model?: string;
  /** What hangs on the answer; absent: `ordinary`. */
  readonly stakes?: Stakes;
  /** What one executor may be paid at most; absent or 0: it is asked to do it for nothing. */
  readonly payAtMostMicros?: number;
  readonly signal: AbortSignal;
}

/** A finished job laid open to a validator. */
export interface Claim {
  readonly commitment: Signed;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly input: unknown;
  readonly output: unknown;
}

/** Only the same weights on the same engine and backend give comparable numbers. */
export interface CheckedModel {
  readonly hash: string;
  readonly engine: string;
}

/** Whether a validator was seen to find planted faults: until then it decides nothing alone. */
export type ValidatorStanding = 'unproved' | 'proved';

export interface ValidatorCandidate {
  readonly node: NodeId;
  readonly standing: ValidatorStanding;
  /** Devices of one class may fail alike; what tells them apart here is only to be different. */
  readonly deviceClass: string;
}

/** What the pipeline needs of the node around it: views to decide on, and the few effects of *ask*, *check* and *record*. */
export interface PipelineDeps {
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly ledger: () => Ledger;
  /** Linked nodes that do this kind of work under commitment and are neither silent nor failing. */
  readonly candidates: (capability: CapabilityId) => readonly Candidate[];
  /** This node as a candidate, when it can do the work itself. */
  readonly self: (capability: CapabilityId) => Candidate | null;
  /** Linked nodes that offer the check and, for work of a model, have that model on that engine; not silent, not failing. */
  readonly validators: (check: CapabilityId, model: CheckedModel | null) => readonly ValidatorCandidate[];
  readonly giveJob: (
    provider: NodeId,
    order: JobOrder,
    signal: AbortSignal,
    onChunk: (chunk: unknown) => void,
  ) => Promise<Result<JobResult>>;
  /** Resolves to the seal of the validator's verdict. */
  readonly askCheck: (
    validator: NodeId,
    check: CapabilityId,
    claim: Claim,
    timeoutMs: number,
  ) => Promise<Result<Uint8Array<ArrayBuffer>>>;
  readonly askReveal: (validator: NodeId, jobId: string) => Promise<Result<RevealedVerdict>>;
  readonly askSignature: (node: NodeId, receipt: Signed) => Promise<Result<Signature>>;
  readonly handReceipt: (node: NodeId, receipt: Signed) => Promise<Result<unknown>>;
  /** Emits a node when what is known of it changed: it may have become suspect. */
  readonly nodeChanged: EventSource<NodeId>;
  /** True when both are known to be nodes of one person. */
  readonly sameOwner: (a: NodeId, b: NodeId) => boolean;
  /** True when both are one person's, or came into the community by one invitation of its founder. */
  readonly sameBranch: (a: NodeId, b: NodeId) => boolean;
  /** Which version of a model a request goes to, by its hash; null: any. */
  readonly versionFor: (modelId: string, traceId: string, stakes: Stakes) => string | null;
  /** Sets credit aside for jobs and sees that they are paid; absent where members do not pay each other. */
  readonly payments?: Payments;
  /** Which of two texts answers a question better, by somebody's model; null where nobody could tell. */
  readonly judge: (question: string, first: string, second: string) => Promise<'first' | 'second' | 'tie' | null>;
  /** Nodes that audit what answers say, with the family of the model that they do it with. */
  readonly auditors: () => readonly { readonly node: NodeId; readonly family: string }[];
  readonly askAudit: (auditor: NodeId, question: string, answer: string) => Promise<Result<AuditFinding>>;
  /** The margins of a check between two devices, for the histogram of their pair. */
  readonly noteMargins: (executor: NodeId, validator: NodeId, evidence: CheckEvidence) => void;
  /** True when the node is silent, suspect or gone. */
  readonly lost: (node: NodeId) => boolean;
  /** What the checks of a node with a model came to so far; the model's hash is empty for work without one. */
  readonly audits: {
    get(node: NodeId, modelHash: string): AuditRecord | undefined;
    set(node: NodeId, modelHash: string, record: AuditRecord): void;
  };
  /** Salt under which the seal hashes the steps, for whoever keeps the trace and may show the seal; absent: none. */
  readonly sealSalt?: (traceId: string) => Uint8Array;
  readonly assigned: (node: NodeId) => void;
  readonly outcome: (node: NodeId, outcome: Outcome) => void;
}

/** What the executor is shown so that it works for credit: see core/ledger. */
export interface Payment {
  /** The payer's reservation as it is stored. */
  readonly reservation: Uint8Array<ArrayBuffer>;
  /** Witness statements that it is the payer's only word at its place; none while too few can be reached. */
  readonly heads: readonly Signed[];
}

export interface Payments {
  /** Null: nothing is set aside, and the job is asked for as a favour. */
  reserve(job: {
    readonly jobId: string;
    readonly expert: NodeId;
    readonly capability: CapabilityId;
    readonly input: unknown;
    readonly payAtMostMicros: number;
  }): Promise<{ readonly payment: Payment; readonly atMostMicros: number } | null>;
  /** The job came to nothing there: what was set aside for it is to be freed. */
  release(jobId: string): void;
  /** The job was done and checked. The verdicts are handed to the executor, which asks to be paid with them. */
  settle(job: {
    readonly jobId: string;
    readonly expert: NodeId;
    readonly verdicts: readonly Signed[];
    readonly verdict: Verdict;
  }): void;
}

type Untimed<T> = T extends unknown ? Omit<T, 'at'> : never;

/** One request on its way through the pipeline: its ids, its clock, and what happened so far. */
export interface Run {
  readonly traceId: string;
  readonly steps: readonly RouteUpdate[];
  elapsedMs(): number;
  /** Stamps an update and remembers it. */
  step<T extends Untimed<RouteUpdate>>(update: T): RouteUpdate;
}

export function beginRun(deps: Pick<PipelineDeps, 'clock' | 'chance'>): Run {
  const startedMs = deps.clock.monotonicMs();
  const steps: RouteUpdate[] = [];
  const elapsedMs = () => Math.round(deps.clock.monotonicMs() - startedMs);
  return {
    traceId: freshId(deps.chance, 'trace'),
    steps,
    elapsedMs,
    step(update) {
      const stamped = { ...update, at: elapsedMs() } as unknown as RouteUpdate;
      steps.push(stamped);
      return stamped;
    },
  };
}
