import { jsonText } from '../../base/json-text';
import { codePoints, wordsOf } from '../../base/text';
import { checkAgainst } from '../../wire/gate';
import type { BatchArtefacts, BatchMessage, MessageType } from './artefacts';
import type { JobType, JobTypes } from './job-type';
import type { BatchManifest } from './manifest';

export const BATCH_RECEIPTS_VERSION = 1;
/** A summary is for reading in a list; the whole output stands in the result. */
const SUMMARY_CHARACTERS = 120;

/** Ties one job of a batch to everything that was said about it. These receipts are plain accounting; only those of the mesh are signed. */
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

/** One receipt per job, in job order. */
export function batchReceipts(manifest: BatchManifest, artefacts: BatchArtefacts, jobTypes: JobTypes): BatchReceipt[] {
  const messages = new Map(
    artefacts.messages.map((message) => [keyOf(message.correlation_id, message.message_type), message]),
  );
  return manifest.jobs.map((job, index) => {
    const result = artefacts.results[index]!;
    const validation = artefacts.validations[index]!;
    const message = (type: MessageType): BatchMessage => messages.get(keyOf(job.job_id, type))!;
    return {
      job_id: job.job_id,
      job_type: job.job_type,
      node_id: artefacts.assignments[index]!.node_id,
      assignment_message_id: message('job_assigned').message_id,
      result_message_id: message('job_result_reported').message_id,
      validation_message_id: message('job_validated').message_id,
      contribution_message_id: message('contribution_recorded').message_id,
      status: result.status,
      valid: validation.valid,
      reason: validation.reason,
      contribution_units: result.contribution_units,
      result_hash: String(message('job_result_reported').payload['result_hash']),
      output_summary: result.error ?? summaryOf(jobTypes.get(job.job_type), result.output),
    };
  });
}

export function renderBatchReceipts(receipts: readonly BatchReceipt[]): string {
  return jsonText({ version: BATCH_RECEIPTS_VERSION, receipts }, { indent: 2 }) + '\n';
}

const keyOf = (jobId: string | null, type: MessageType): string => `${type} ${jobId ?? ''}`;

function summaryOf(type: JobType | undefined, output: unknown): string {
  const shaped = type ? checkAgainst(type.output, output) : null;
  if (!type || !shaped?.ok) return '';
  return codePoints(wordsOf(type.text(shaped.value)).join(' '))
    .slice(0, SUMMARY_CHARACTERS)
    .join('');
}
