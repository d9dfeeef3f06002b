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
import type { RouteUpdate } from './route';
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

export interface ValidatorCandidate {
  readonly node: NodeId;
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
