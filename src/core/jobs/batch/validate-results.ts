import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import type { ValidationSummary } from './artefacts';
import type { BatchMessage } from './job-messages';
import type { JobTypes } from './job-type';
import { jobOf } from './process-inbox';
import { DOCUMENT_VERSION } from './read-document';
import { reportedResult } from './reported-results';
import { settleJob } from './settled-job';

/** What an independent validator found of one reported result. */
export interface ResultVerdict {
  readonly job_id: string;
  readonly job_type: string;
  /** The node that the job was assigned to. */
  readonly node_id: string;
  readonly result_node_id: string;
  readonly assignment_message_id: string;
  readonly result_message_id: string;
  readonly valid: boolean;
  readonly reason: string;
  readonly contribution_units: number;
  readonly result_hash: string;
  /** Whether the hash in the result's message is that of what it says; null when it gives none. */
  readonly result_hash_matches: boolean | null;
}

export interface ResultValidation {
  readonly validation_summary: ValidationSummary;
  readonly contribution_units: number;
  readonly assignment_count: number;
  /** Jobs whose result is not in the result log. */
  readonly unreported_job_ids: readonly string[];
  /** In the order of the results. */
  readonly verdicts: readonly ResultVerdict[];
}

/**
 * Every verdict anew, from the assignments of one log and the results of another (they may be the same), without believing what
 * either says of validity. Results find their assignment by the job's id. A wrong result is a verdict that says so. Codes
 * `no_assignments`, `no_results`, `missing_assignment`, `duplicate_result`.
 */
export function validateResults(
  assignmentLog: readonly BatchMessage[],
  resultLog: readonly BatchMessage[],
  jobTypes: JobTypes,
): Result<ResultValidation> {
  const assignments = new Map(
    assignmentLog.filter((message) => message.message_type === 'job_assigned').map((one) => [one.correlation_id, one]),
  );
  const results = resultLog.filter((message) => message.message_type === 'job_result_reported');
  if (assignments.size === 0) return fail('no_assignments', 'The assignment log assigns no job.');
  if (results.length === 0) return fail('no_results', 'The result log reports no result.');
  const seen = new Set<string | null>();
  const verdicts: ResultVerdict[] = [];
  for (const message of results) {
    const jobId = message.correlation_id;
    const assignment = assignments.get(jobId);
    const name = JSON.stringify(jobId);
    if (!assignment)
      return fail('missing_assignment', `The result log reports the job ${name}, which was not assigned.`);
    if (seen.has(jobId)) return fail('duplicate_result', `The result log reports the job ${name} twice.`);
    seen.add(jobId);
    const job = jobOf(assignment);
    const nodeId = String(assignment.payload['node_id']);
    const reported = reportedResult(message, jobTypes.get(job.job_type));
    const { judgement, resultHash } = settleJob(job, nodeId, reported, jobTypes);
    const claimed = message.payload['result_hash'];
    verdicts.push({
      job_id: job.job_id,
      job_type: job.job_type,
      node_id: nodeId,
      result_node_id: reported.node_id,
      assignment_message_id: assignment.message_id,
      result_message_id: message.message_id,
      valid: judgement.validation.valid,
      reason: judgement.validation.reason,
      contribution_units: judgement.units,
      result_hash: resultHash,
      result_hash_matches: claimed === undefined ? null : claimed === resultHash,
    });
  }
  const valid = verdicts.filter((verdict) => verdict.valid).length;
  return ok({
    validation_summary: {
      valid,
      invalid: verdicts.length - valid,
      unsupported: verdicts.filter((verdict) => verdict.reason === 'unsupported_job_type').length,
    },
    contribution_units: verdicts.reduce((sum, verdict) => sum + verdict.contribution_units, 0),
    assignment_count: assignments.size,
    unreported_job_ids: [...assignments.keys()].filter((jobId) => !seen.has(jobId)).map(String),
    verdicts,
  });
}

/** The validator's report as a document. Same logs, same bytes. */
export function renderValidation(validation: ResultValidation): string {
  const { verdicts, ...figures } = validation;
  const document = {
    version: DOCUMENT_VERSION,
    kind: 'validation_report',
    metadata: { result_count: verdicts.length, ...figures },
    validations: verdicts,
  };
  return jsonText(document, { indent: 2 }) + '\n';
}
