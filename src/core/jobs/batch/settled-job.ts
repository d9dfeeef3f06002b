import { isShallow } from '../../base/json-limits';
import type { JobTypes } from './job-type';
import { judgeResult, type Judgement } from './judge';
import type { BatchJob } from './manifest';
import { failedReport, type ReportedResult } from './report';
import { resultHash } from './result-hash';

/** One job from assignment to judgement. */
export interface SettledJob {
  readonly job: BatchJob;
  /** The node that it was assigned to. */
  readonly nodeId: string;
  readonly reported: ReportedResult;
  readonly judgement: Judgement;
  readonly resultHash: string;
}

/** Judges what a node reported of a job. */
export function settleJob(job: BatchJob, nodeId: string, given: ReportedResult, jobTypes: JobTypes): SettledJob {
  const reported = readable(job, given);
  return {
    job,
    nodeId,
    reported,
    judgement: judgeResult(job, nodeId, reported, jobTypes),
    resultHash: resultHash(jobTypes.get(job.job_type), reported),
  };
}

/** A report that can be written down: a failed one has no output, and an output that nests beyond reason counts as a failure. */
function readable(job: BatchJob, reported: ReportedResult): ReportedResult {
  if (reported.status === 'failed') return { ...reported, output: null };
  return isShallow(reported.output)
    ? reported
    : failedReport(job, reported.node_id, 'The reported output cannot be read.');
}
