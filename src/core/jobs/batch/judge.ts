import { equalJson } from '../../base/json-text';
import type { JobType, JobTypes } from './job-type';
import type { BatchJob } from './manifest';
import { unitsFor, type ReportedResult } from './report';

export interface Validation {
  readonly job_id: string;
  /** The job that the result says it is for. */
  readonly result_job_id: string;
  readonly valid: boolean;
  /** `ok`, or the first reason that applies. */
  readonly reason: string;
}

export interface Judgement {
  readonly validation: Validation;
  /** What the result earns: 0 unless it is valid. */
  readonly units: number;
}

/** Whether an output is what the payload gives: the job is done again. `ok`, the fault of the payload, or `output_mismatch`. */
export function judgeOutput(type: JobType, payload: unknown, output: unknown): string {
  const fault = type.payloadFault(payload);
  if (fault !== null) return fault;
  const expected = type.run(payload);
  return expected.ok && equalJson(expected.value, output) ? 'ok' : 'output_mismatch';
}

/**
 * Judges a reported result by doing the job again. Reasons, the first that applies: `unsupported_job_type`,
 * `result_not_completed`, `job_id_mismatch`, `result_node_id_mismatch`, `unexpected_contribution_units`, the fault of
 * the payload, `output_mismatch`; else `ok`.
 */
export function judgeResult(
  job: BatchJob,
  assignedNodeId: string,
  result: ReportedResult,
  jobTypes: JobTypes,
): Judgement {
  const reason = reasonFor(job, assignedNodeId, result, jobTypes.get(job.job_type));
  const valid = reason === 'ok';
  return {
    validation: { job_id: job.job_id, result_job_id: result.job_id, valid, reason },
    units: valid ? result.contribution_units : 0,
  };
}

function reasonFor(job: BatchJob, assignedNodeId: string, result: ReportedResult, type: JobType | undefined): string {
  if (!type || result.unsupported === true) return 'unsupported_job_type';
  if (result.status !== 'completed') return 'result_not_completed';
  if (result.job_id !== job.job_id) return 'job_id_mismatch';
  if (result.node_id !== assignedNodeId) return 'result_node_id_mismatch';
  const reason = judgeOutput(type, job.payload, result.output);
  return claimIsExpected(type, result, reason === 'ok') ? reason : 'unexpected_contribution_units';
}

/**
 * A right output must claim exactly what it earns. A wrong one may claim what it would have earned, as a node does that
 * cannot know better, or nothing, as a log says after the judging.
 */
function claimIsExpected(type: JobType, result: ReportedResult, right: boolean): boolean {
  const earned = unitsFor(type, result.output);
  return result.contribution_units === earned || (!right && result.contribution_units === 0);
}
