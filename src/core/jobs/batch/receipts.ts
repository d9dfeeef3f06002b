import { jsonText } from '../../base/json-text';
import { codePoints, wordsOf } from '../../base/text';
import { checkAgainst } from '../../wire/gate';
import { settledJobs, type BatchArtefacts } from './artefacts';
import type { JobMessageIds, MessageType } from './job-messages';
import type { JobType, JobTypes } from './job-type';
import type { BatchManifest } from './manifest';
import { DOCUMENT_VERSION } from './read-document';
import type { SettledJob } from './settled-job';

/** A summary is for reading in a list; the whole output stands in the result. */
export const SUMMARY_CHARACTERS = 120;

/** Ties one job of a batch to everything that was said about it. Plain accounting; a flow signs it (see flow-receipts), the mesh has receipts of its own. */
export interface BatchReceipt {
  readonly job_id: string;
  readonly job_type: string;
  readonly node_id: string;
  readonly assignment_message_id: string;
  readonly result_message_id: string;
  readonly validation_message_id: string;
  readonly contribution_message_id: string;
  readonly status: 'completed' | 'failed';
  readonly valid: boolean;
  readonly reason: string;
  readonly contribution_units: number;
  readonly result_hash: string;
  /** The start of what a person reads, or why the job failed. */
  readonly output_summary: string;
}

/** The receipt of one settled job whose messages have these ids. */
export function receiptOf(settled: SettledJob, ids: JobMessageIds, jobTypes: JobTypes): BatchReceipt {
  const { job, nodeId, reported, judgement } = settled;
  return {
    job_id: job.job_id,
    job_type: job.job_type,
    node_id: nodeId,
    assignment_message_id: ids.assigned,
    result_message_id: ids.result,
    validation_message_id: ids.validation,
    contribution_message_id: ids.contribution,
    status: reported.status,
    valid: judgement.validation.valid,
    reason: judgement.validation.reason,
    contribution_units: judgement.units,
    result_hash: settled.resultHash,
    output_summary: reported.error ?? summaryOf(jobTypes.get(job.job_type), reported.output),
  };
}

/** One receipt per job, in job order. */
export function batchReceipts(manifest: BatchManifest, artefacts: BatchArtefacts, jobTypes: JobTypes): BatchReceipt[] {
  const idByKey = new Map(
    artefacts.messages.map((message) => [keyOf(message.correlation_id, message.message_type), message.message_id]),
  );
  return settledJobs(manifest, artefacts).map((settled) => {
    const idOf = (type: MessageType): string => idByKey.get(keyOf(settled.job.job_id, type))!;
    const ids = {
      assigned: idOf('job_assigned'),
      result: idOf('job_result_reported'),
      validation: idOf('job_validated'),
      contribution: idOf('contribution_recorded'),
    };
    return receiptOf(settled, ids, jobTypes);
  });
}

export function renderBatchReceipts(receipts: readonly BatchReceipt[]): string {
  return jsonText({ version: DOCUMENT_VERSION, receipts }, { indent: 2 }) + '\n';
}

const keyOf = (jobId: string | null, type: MessageType): string => `${type} ${jobId ?? ''}`;

function summaryOf(type: JobType | undefined, output: unknown): string {
  const shaped = type ? checkAgainst(type.output, output) : null;
  if (!type || !shaped?.ok) return '';
  return codePoints(wordsOf(type.text(shaped.value)).join(' '))
    .slice(0, SUMMARY_CHARACTERS)
    .join('');
}
