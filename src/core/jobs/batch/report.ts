import type { Result } from '../../base/result';
import { checkAgainst } from '../../wire/gate';
import type { JobType, JobTypes } from './job-type';
import type { BatchJob } from './manifest';

/** What a node says about one job, before anyone judged it. */
export interface ReportedResult {
  readonly job_id: string;
  readonly node_id: string;
  readonly status: 'completed' | 'failed';
  /** Null when the job failed. */
  readonly output: unknown;
  readonly error: string | null;
  /** What the node claims; what is credited is the judge's to say. */
  readonly contribution_units: number;
  /** True when the node said that it does not know this type of job. */
  readonly unsupported?: boolean;
}

/** What an output would earn; 0 when it is not of the type's shape. */
export function unitsFor(type: JobType, output: unknown): number {
  const shaped = checkAgainst(type.output, output);
  return shaped.ok ? type.units(shaped.value) : 0;
}

/** A node's result as a report: what a run in place or a call to another node gave. */
export function reportOf(job: BatchJob, nodeId: string, jobTypes: JobTypes, outcome: Result<unknown>): ReportedResult {
  const type = jobTypes.get(job.job_type);
  if (!type) return unsupportedReport(job, nodeId);
  if (!outcome.ok) return failedReport(job, nodeId, outcome.error.message);
  return {
    job_id: job.job_id,
    node_id: nodeId,
    status: 'completed',
    output: outcome.value,
    error: null,
    contribution_units: unitsFor(type, outcome.value),
  };
}

export const failedReport = (job: BatchJob, nodeId: string, error: string): ReportedResult => ({
  job_id: job.job_id,
  node_id: nodeId,
  status: 'failed',
  output: null,
  error,
  contribution_units: 0,
});

/** The report of a node that does not know the job's type. */
export const unsupportedReport = (job: BatchJob, nodeId: string): ReportedResult => ({
  ...failedReport(job, nodeId, `The job type ${JSON.stringify(job.job_type)} is not known to this node.`),
  unsupported: true,
});

/** Does one job here, in the name of a node. */
export function runJob(job: BatchJob, nodeId: string, jobTypes: JobTypes): ReportedResult {
  const type = jobTypes.get(job.job_type);
  return type ? reportOf(job, nodeId, jobTypes, type.run(job.payload)) : unsupportedReport(job, nodeId);
}
