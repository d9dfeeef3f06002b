import { isShallow } from '../../base/json-depth';
import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import type { JobTypes } from './job-type';
import { judgeResult, type Judgement, type Validation } from './judge';
import { LEDGER, SCHEDULER, VALIDATOR, type BatchJob, type BatchManifest } from './manifest';
import { failedReport, type ReportedResult } from './report';
import { resultHash, writtenOutput } from './result-hash';
import { capabilitiesOf, type Assignment } from './schedule';

export type MessageType =
  'node_heartbeat' | 'job_assigned' | 'job_result_reported' | 'job_validated' | 'contribution_recorded';

export interface BatchMessage {
  /** `msg-0001` onward. */
  readonly message_id: string;
  readonly message_type: MessageType;
  readonly sender_node_id: string;
  /** Null for a heartbeat, which is for everyone. */
  readonly recipient_node_id: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The job's id; null for a heartbeat. */
  readonly correlation_id: string | null;
}

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

/** One job from assignment to judgement. */
interface Settled {
  readonly job: BatchJob;
  readonly assignment: Assignment;
  readonly reported: ReportedResult;
  readonly judgement: Judgement;
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
  const settled: Settled[] = [];
  for (const [index, job] of manifest.jobs.entries()) {
    const assignment = assignments[index]!;
    if (assignment.job_id !== job.job_id || !nodeIds.has(assignment.node_id)) {
      return fail('incomplete_batch', `The assignments do not fit the batch at the job ${JSON.stringify(job.job_id)}.`);
    }
    const reported = readable(job, results[index]!);
    settled.push({ job, assignment, reported, judgement: judgeResult(job, assignment.node_id, reported, jobTypes) });
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
    messages: messagesOf(roster, settled, jobTypes),
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

const unitsIn = (settled: readonly Settled[]): number =>
  settled.reduce((sum, { judgement }) => sum + judgement.units, 0);

/** A report that can be written down: a failed one has no output, and an output that nests beyond reason counts as a failure. */
function readable(job: BatchJob, reported: ReportedResult): ReportedResult {
  if (reported.status === 'failed') return { ...reported, output: null };
  return isShallow(reported.output)
    ? reported
    : failedReport(job, reported.node_id, 'The reported output cannot be read.');
}

function rosterOf(manifest: BatchManifest, settled: readonly Settled[], jobTypes: JobTypes): RosterEntry[] {
  let heartbeats = 0;
  return manifest.nodes.map((node) => {
    const own = settled.filter(({ assignment }) => assignment.node_id === node.node_id);
    const available = node.status === 'available';
    if (available) heartbeats += 1;
    return {
      node_id: node.node_id,
      status: node.status,
      capabilities: capabilitiesOf(node, jobTypes),
      assigned_jobs: own.length,
      contribution_units: unitsIn(own),
      heartbeat_sequence: available ? heartbeats : 0,
      heartbeat_count: available ? 1 : 0,
    };
  });
}

function summaryOf(entry: RosterEntry, settled: readonly Settled[]): NodeSummary {
  const own = settled.filter(({ assignment }) => assignment.node_id === entry.node_id);
  const completed = own.filter(({ reported }) => reported.status === 'completed').length;
  return {
    node_id: entry.node_id,
    results: own.length,
    completed_jobs: completed,
    failed_jobs: own.length - completed,
    contribution_units: entry.contribution_units,
  };
}

function messagesOf(roster: readonly RosterEntry[], settled: readonly Settled[], jobTypes: JobTypes): BatchMessage[] {
  const messages: BatchMessage[] = [];
  function send(
    message_type: MessageType,
    sender_node_id: string,
    recipient_node_id: string | null,
    payload: BatchMessage['payload'],
    correlation_id: string | null,
  ): string {
    const message_id = `msg-${String(messages.length + 1).padStart(4, '0')}`;
    messages.push({ message_id, message_type, sender_node_id, recipient_node_id, payload, correlation_id });
    return message_id;
  }
  for (const { node_id, status, capabilities, heartbeat_sequence, heartbeat_count } of roster) {
    if (status !== 'available') continue;
    const payload = { node_id, status, capabilities, heartbeat_sequence, heartbeat_count };
    send('node_heartbeat', node_id, null, payload, null);
  }
  for (const { job, assignment, reported, judgement } of settled) {
    const { job_id, job_type } = job;
    const { node_id } = assignment;
    const { valid, reason } = judgement.validation;
    const contribution_units = judgement.units;
    const assigned = send(
      'job_assigned',
      SCHEDULER,
      node_id,
      { job_id, job_type, payload: job.payload, node_id },
      job_id,
    );
    const result = send(
      'job_result_reported',
      node_id,
      LEDGER,
      {
        job_id: reported.job_id,
        node_id: reported.node_id,
        status: reported.status,
        success: reported.status === 'completed',
        output: reported.output,
        error: reported.error,
        contribution_units,
        result_hash: resultHash(jobTypes.get(job_type), reported),
      },
      job_id,
    );
    const validated = {
      job_id,
      node_id,
      assignment_message_id: assigned,
      result_message_id: result,
      validator_id: VALIDATOR,
      valid,
      reason,
      contribution_units_after_validation: contribution_units,
    };
    send('job_validated', VALIDATOR, LEDGER, validated, job_id);
    const recorded = { job_id, node_id, status: reported.status, valid, validation: reason, contribution_units };
    send('contribution_recorded', LEDGER, node_id, recorded, job_id);
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
