import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { heartbeatsOf } from './dispatch';
import { assignedMessage, heartbeatMessage, runningId, settledMessages, type BatchMessage } from './job-messages';
import type { JobTypes } from './job-type';
import type { Validation } from './judge';
import type { BatchManifest } from './manifest';
import type { ReportedResult } from './report';
import { writtenOutput } from './result-hash';
import type { Assignment } from './schedule';
import { settleJob, type SettledJob } from './settled-job';

export interface BatchResult {
  readonly job_id: string;
  readonly node_id: string;
  readonly status: 'completed' | 'failed';
  readonly output: unknown;
  readonly error: string | null;
  /** Credited units: 0 for a failed or invalid result. */
  readonly contribution_units: number;
}

export interface ValidationSummary {
  readonly valid: number;
  readonly invalid: number;
  /** How many of the invalid ones were of a type that the node does not know. */
  readonly unsupported: number;
}

export interface NodeSummary {
  readonly node_id: string;
  readonly results: number;
  readonly completed_jobs: number;
  readonly failed_jobs: number;
  readonly contribution_units: number;
}

export interface BatchTotals {
  readonly nodes: number;
  readonly jobs: number;
  readonly results: number;
  readonly completed_jobs: number;
  readonly failed_jobs: number;
  readonly valid_results: number;
  readonly invalid_results: number;
  readonly unsupported_results: number;
  readonly contribution_units: number;
}

export interface RosterEntry {
  readonly node_id: string;
  readonly status: 'available' | 'offline';
  readonly capabilities: readonly string[];
  readonly assigned_jobs: number;
  readonly contribution_units: number;
  /** The node's place among the heartbeats of this run, from 1; 0 for an offline node. */
  readonly heartbeat_sequence: number;
  readonly heartbeat_count: number;
}

/** Everything that a batch leaves. Field names are those of the published sheet. */
export interface BatchArtefacts {
  readonly assignments: readonly Assignment[];
  readonly messages: readonly BatchMessage[];
  readonly results: readonly BatchResult[];
  readonly validations: readonly Validation[];
  readonly validation_summary: ValidationSummary;
  readonly summaries: readonly NodeSummary[];
  readonly totals: BatchTotals;
  readonly node_roster: readonly RosterEntry[];
}

/**
 * Judges the reported results and writes down the whole run. `assignments` and `results` are in job order, one each
 * per job; fails with `incomplete_batch` when they are not. Pure: the same input, the same artefacts, whoever did the work.
 */
export function assembleArtefacts(
  manifest: BatchManifest,
  assignments: readonly Assignment[],
  results: readonly ReportedResult[],
  jobTypes: JobTypes,
): Result<BatchArtefacts> {
  if (assignments.length !== manifest.jobs.length || results.length !== manifest.jobs.length) {
    return fail('incomplete_batch', 'The batch is not finished: a job has no assignment or no result.');
  }
  const nodeIds = new Set(manifest.nodes.map((node) => node.node_id));
  const settled: SettledJob[] = [];
  for (const [index, job] of manifest.jobs.entries()) {
    const assignment = assignments[index]!;
    if (assignment.job_id !== job.job_id || !nodeIds.has(assignment.node_id)) {
      return fail('incomplete_batch', `The assignments do not fit the batch at the job ${JSON.stringify(job.job_id)}.`);
    }
    settled.push(settleJob(job, assignment.node_id, results[index]!, jobTypes));
  }
  const roster = rosterOf(manifest, settled, jobTypes);
  const validations = settled.map(({ judgement }) => judgement.validation);
  const validationSummary = {
    valid: validations.filter((validation) => validation.valid).length,
    invalid: validations.filter((validation) => !validation.valid).length,
    unsupported: validations.filter((validation) => validation.reason === 'unsupported_job_type').length,
  };
  const completed = settled.filter(({ reported }) => reported.status === 'completed').length;
  return ok({
    assignments,
    messages: messagesOf(roster, settled),
    results: settled.map(({ reported, judgement }) => ({
      job_id: reported.job_id,
      node_id: reported.node_id,
      status: reported.status,
      output: reported.output,
      error: reported.error,
      contribution_units: judgement.units,
    })),
    validations,
    validation_summary: validationSummary,
    summaries: roster.map((entry) => summaryOf(entry, settled)),
    totals: {
      nodes: manifest.nodes.length,
      jobs: manifest.jobs.length,
      results: settled.length,
      completed_jobs: completed,
      failed_jobs: settled.length - completed,
      valid_results: validationSummary.valid,
      invalid_results: validationSummary.invalid,
      unsupported_results: validationSummary.unsupported,
      contribution_units: unitsIn(settled),
    },
    node_roster: roster,
  });
}

const unitsIn = (settled: readonly SettledJob[]): number =>
  settled.reduce((sum, { judgement }) => sum + judgement.units, 0);

function rosterOf(manifest: BatchManifest, settled: readonly SettledJob[], jobTypes: JobTypes): RosterEntry[] {
  return heartbeatsOf(manifest, jobTypes).map(({ node_id, status, capabilities, ...heartbeat }) => {
    const own = settled.filter(({ nodeId }) => nodeId === node_id);
    return {
      node_id,
      status,
      capabilities,
      assigned_jobs: own.length,
      contribution_units: unitsIn(own),
      ...heartbeat,
    };
  });
}

function summaryOf(entry: RosterEntry, settled: readonly SettledJob[]): NodeSummary {
  const own = settled.filter(({ nodeId }) => nodeId === entry.node_id);
  const completed = own.filter(({ reported }) => reported.status === 'completed').length;
  return {
    node_id: entry.node_id,
    results: own.length,
    completed_jobs: completed,
    failed_jobs: own.length - completed,
    contribution_units: entry.contribution_units,
  };
}

function messagesOf(roster: readonly RosterEntry[], settled: readonly SettledJob[]): BatchMessage[] {
  const available = roster.filter((entry) => entry.status === 'available');
  const messages = available.map((entry, index) => heartbeatMessage(runningId(index + 1), entry));
  for (const one of settled) {
    const [assigned, result, validation, contribution] = [1, 2, 3, 4].map((step) => runningId(messages.length + step));
    const ids = { assigned: assigned!, result: result!, validation: validation!, contribution: contribution! };
    messages.push(assignedMessage(ids.assigned, one.job, one.nodeId));
    messages.push(...settledMessages(one, ids, one.reported.output));
  }
  return messages;
}

/**
 * The artefacts as the one JSON document that the command line prints and the app offers for download. Floats are
 * written as floats (a score of one is `1.0`), so that a reader can hash what it reads.
 */
export function renderArtefacts(manifest: BatchManifest, artefacts: BatchArtefacts, jobTypes: JobTypes): string {
  const typeByJob = new Map(manifest.jobs.map((job) => [job.job_id, jobTypes.get(job.job_type)]));
  const written = {
    ...artefacts,
    messages: writtenMessages(manifest, artefacts, jobTypes),
    results: artefacts.results.map((result, index) => ({
      ...result,
      output: writtenOutput(typeByJob.get(artefacts.assignments[index]!.job_id), result.output),
    })),
  };
  return jsonText(written, { indent: 2 }) + '\n';
}

/** The jobs of a finished run as they were settled, in job order. */
export function settledJobs(manifest: BatchManifest, artefacts: BatchArtefacts): SettledJob[] {
  const hashByJob = new Map(
    artefacts.messages
      .filter((message) => message.message_type === 'job_result_reported')
      .map((message) => [message.correlation_id, String(message.payload['result_hash'])]),
  );
  return manifest.jobs.map((job, index) => {
    const reported = artefacts.results[index]!;
    return {
      job,
      nodeId: artefacts.assignments[index]!.node_id,
      reported,
      judgement: { validation: artefacts.validations[index]!, units: reported.contribution_units },
      resultHash: hashByJob.get(job.job_id)!,
    };
  });
}

/** The messages with floats as floats, ready to be written. */
export function writtenMessages(
  manifest: BatchManifest,
  artefacts: BatchArtefacts,
  jobTypes: JobTypes,
): BatchMessage[] {
  const typeByJob = new Map(manifest.jobs.map((job) => [job.job_id, jobTypes.get(job.job_type)]));
  return artefacts.messages.map((message) => {
    if (message.message_type !== 'job_result_reported') return message;
    const output = writtenOutput(typeByJob.get(message.correlation_id ?? ''), message.payload['output']);
    return { ...message, payload: { ...message.payload, output } };
  });
}
