import type { NodeId } from '../base/ids';
import { withoutUndefined } from '../base/plain';
import type { Chance, Clock, Signer } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { CapabilityId, JobContext } from '../bus/capability';
import type { Ledger } from '../ledger/ledger';
import { idOfSigned, sign, type Signed } from '../wire/signed';
import { createHourlyQuota } from './quota';
import { SALT_BYTES, saltedDigest, type Commitment } from '../ledger/statements';

/** Finished jobs that are remembered, so that a receipt for them can be recognised; a receipt follows within seconds. */
const JOBS_REMEMBERED = 1_024;
/** Jobs that may wait or run here at once; past it a requester is told to go elsewhere. */
export const MAX_JOBS_HELD = 8;
/** Jobs per hour for one requester, each of which leaves some 500 bytes in this node's log: 5 MB an hour at most. */
export const JOBS_PER_HOUR = 10_000;

export interface JobOrder {
  readonly jobId: string;
  readonly traceId: string;
  readonly capability: CapabilityId;
  readonly input: unknown;
  /** What the payer set aside for it; absent: it is asked for as a favour. */
  readonly payment?: JobPayment | undefined;
  /** Nobody will check the result; a node says this only to itself. */
  readonly unchecked?: true;
}

/** A reservation as its payer shows it: see `Payments` in core/experts/run. */
export interface JobPayment {
  readonly reservation: Uint8Array<ArrayBuffer>;
  readonly heads: readonly Signed[];
}

export interface JobResult {
  readonly output: unknown;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly commitment: Signed;
}

export interface FinishedJob {
  readonly commitment: Commitment;
  readonly commitmentId: string;
  readonly input: unknown;
  readonly output: unknown;
}

export interface RunningJob {
  readonly jobId: string;
  readonly capability: CapabilityId;
  readonly requester: NodeId;
  tokens: number;
}

/** The side that does the work: runs a service for a requester and commits to the result before it hands it over. */
export interface Executor {
  run(
    order: JobOrder,
    requester: NodeId,
    signal: AbortSignal,
    onChunk: (chunk: unknown) => void,
  ): Promise<Result<JobResult>>;
  /** A job done here for this requester, while it is remembered. */
  finished(requester: NodeId, jobId: string): FinishedJob | null;
  readonly running: readonly RunningJob[];
}

/** A job that was done. */
export interface JobDone {
  readonly job: FinishedJob;
  readonly commitment: Signed;
  /** When it was taken, by the clock that may jump. */
  readonly startedAt: number;
  /** How long it took, by the clock that never goes back: whole milliseconds, one at least. It ended so long after it was taken. */
  readonly tookMs: number;
}

/** Whether jobs are taken for what is offered for them, and what becomes of that. */
export interface JobPayments {
  /** Before anything is computed. */
  take(order: JobOrder, requester: NodeId): Promise<Result<unknown>>;
  /** After it: null when nothing came of the job. Resolves when what is owed for it is kept. */
  over(jobId: string, requester: NodeId, done: JobDone | null): Promise<void>;
}

export interface ExecutorDeps {
  readonly signer: Signer;
  readonly ledger: () => Ledger;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Runs the service on this node behind its schemas. */
  readonly runService: (
    capability: CapabilityId,
    input: unknown,
    signal: AbortSignal,
    onChunk: (chunk: unknown) => void,
    job: JobContext,
  ) => Promise<Result<unknown>>;
  readonly onRunningChanged: () => void;
  /** Null where members do not pay each other. */
  readonly payments?: () => Promise<JobPayments | null>;
}

export function createExecutor(deps: ExecutorDeps): Executor {
  const { signer, clock, chance } = deps;
  const finished = new Map<string, FinishedJob>();
  const running = new Map<string, RunningJob>();
  const quota = createHourlyQuota(clock, JOBS_PER_HOUR);
  const keyOf = (requester: NodeId, jobId: string) => `${requester}/${jobId}`;

  function remember(key: string, job: FinishedJob): void {
    finished.set(key, job);
    if (finished.size > JOBS_REMEMBERED) finished.delete(finished.keys().next().value!);
  }

  return {
    async run(order, requester, signal, onChunk) {
      const key = keyOf(requester, order.jobId);
      if (running.has(key) || finished.has(key))
        return fail('duplicate_job', 'That job was already given to this node.');
      if (running.size >= MAX_JOBS_HELD) return fail('busy', 'This node has enough to do.');
      if (requester !== signer.nodeId && !quota.take(requester))
        return fail('quota_used_up', 'This node did enough for you this hour.');
      const job: RunningJob = { jobId: order.jobId, capability: order.capability, requester, tokens: 0 };
      running.set(key, job);
      deps.onRunningChanged();
      const [startedAt, startedMs] = [clock.now(), clock.monotonicMs()];
      let payments: JobPayments | null = null;
      let done: JobDone | null = null;
      try {
        const paying = requester === signer.nodeId ? null : ((await deps.payments?.()) ?? null);
        const taken = await paying?.take(order, requester);
        if (taken && !taken.ok) return taken;
        payments = paying;
        const countAndShow = (chunk: unknown): void => {
          job.tokens += 1;
          onChunk(chunk);
        };
        const result = await deps.runService(order.capability, order.input, signal, countAndShow, {
          jobId: order.jobId,
          requester,
          ...(order.unchecked === true && requester === signer.nodeId ? { unchecked: true } : {}),
        });
        if (!result.ok) return result;
        if (signal.aborted) return fail('cancelled', 'The job was cancelled.');
        const salt = chance.bytes(SALT_BYTES);
        const input = withoutUndefined(order.input);
        const output = withoutUndefined(result.value);
        const body: Commitment = {
          type: 'commitment',
          v: 1,
          jobId: order.jobId,
          traceId: order.traceId,
          requester,
          executor: signer.nodeId,
          capability: order.capability,
          input: saltedDigest(salt, input),
          output: saltedDigest(salt, output),
          at: clock.now(),
        };
        const commitment = await sign(signer, body);
        const written = await deps.ledger().append({ kind: 'work.committed', commitment });
        if (!written.ok) return written;
        const finishedJob = { commitment: body, commitmentId: idOfSigned(commitment), input, output };
        remember(key, finishedJob);
        const tookMs = Math.max(1, Math.round(clock.monotonicMs() - startedMs));
        done = { job: finishedJob, commitment, startedAt, tookMs };
        return ok({ output, salt, commitment });
      } finally {
        running.delete(key);
        await payments?.over(order.jobId, requester, done);
        deps.onRunningChanged();
      }
    },
    finished: (requester, jobId) => finished.get(keyOf(requester, jobId)) ?? null,
    get running() {
      return [...running.values()];
    },
  };
}
