import { fail, ok, type Result } from '../../base/result';
import { contributionOf, type ContributionRecord } from './contribution-ledger';
import { emittedIds, settledMessages, type BatchMessage, type JobMessageIds } from './job-messages';
import type { JobTypes } from './job-type';
import { MAX_ID_CHARACTERS, type BatchJob } from './manifest';
import { assignmentHash, type NodeState } from './node-state';
import type { PayloadFields } from './payload';
import { runJob, type ReportedResult } from './report';
import { writtenOutput } from './result-hash';
import { settleJob, type SettledJob } from './settled-job';

/** An assignment that a node did, and what it emitted: result, validation, contribution. */
export interface ProcessedAssignment {
  readonly message: BatchMessage;
  readonly settled: SettledJob;
  readonly ids: JobMessageIds;
  readonly emitted: readonly BatchMessage[];
  readonly record: ContributionRecord;
}

/** One pass of one node over the messages that it was given. */
export interface Pass {
  readonly processed: readonly ProcessedAssignment[];
  /** Assignments that the state says are done. */
  readonly skipped: readonly BatchMessage[];
  /** Everything that is no assignment of this node. */
  readonly ignored: readonly BatchMessage[];
  /** What the node remembers afterwards. */
  readonly state: NodeState;
}

export const jobOf = ({ payload }: BatchMessage): BatchJob => ({
  job_id: String(payload['job_id']),
  job_type: String(payload['job_type']),
  payload: payload['payload'] as PayloadFields,
});

/**
 * Does every assignment among the messages that is for the node of this state and that the state does not hold, in order. Pure:
 * however an inbox is cut into passes, the same messages are emitted and the same state is left. Refused as a whole
 * when the state holds another assignment under the same id (`other_log`), when the messages hold already what would be
 * emitted (`already_processed`), or an assignment's id leaves no room for the words behind it (`malformed`).
 */
export function processInbox(messages: readonly BatchMessage[], state: NodeState, jobTypes: JobTypes): Result<Pass> {
  const settle = (job: BatchJob): ReportedResult => runJob(job, state.node_id, jobTypes);
  return processReports(messages, state, jobTypes, settle);
}

/** The same, with results that were reported before instead of work. */
export function processReports(
  messages: readonly BatchMessage[],
  state: NodeState,
  jobTypes: JobTypes,
  reportOf: (job: BatchJob) => ReportedResult,
): Result<Pass> {
  const hashById = new Map(state.processed.map((entry) => [entry.message_id, entry.assignment_hash]));
  const present = new Set(messages.map((message) => message.message_id));
  const processed: ProcessedAssignment[] = [];
  const skipped: BatchMessage[] = [];
  const ignored: BatchMessage[] = [];
  const done = [...state.processed];
  for (const message of messages) {
    if (message.message_type !== 'job_assigned' || message.recipient_node_id !== state.node_id) {
      ignored.push(message);
      continue;
    }
    const assignment_hash = assignmentHash(message);
    const known = hashById.get(message.message_id);
    const name = JSON.stringify(message.message_id);
    if (known !== undefined) {
      if (known !== assignment_hash) {
        return fail(
          'other_log',
          `The node state holds another assignment under the id ${name}: it belongs to another log.`,
        );
      }
      skipped.push(message);
      continue;
    }
    if ([...message.message_id].length > MAX_ID_CHARACTERS) {
      return fail('malformed', `The id of the assignment ${name} has more than ${MAX_ID_CHARACTERS} characters.`);
    }
    const ids = emittedIds(message.message_id);
    if ([ids.result, ids.validation, ids.contribution].some((id) => present.has(id))) {
      return fail('already_processed', `The messages hold already what the node said of the assignment ${name}.`);
    }
    const job = jobOf(message);
    const settled = settleJob(job, state.node_id, reportOf(job), jobTypes);
    const output = writtenOutput(jobTypes.get(job.job_type), settled.reported.output);
    processed.push({
      message,
      settled,
      ids,
      emitted: settledMessages(settled, ids, output),
      record: { ...contributionOf(settled), assignment_hash },
    });
    done.push({ message_id: message.message_id, assignment_hash });
  }
  return ok({ processed, skipped, ignored, state: { node_id: state.node_id, processed: done } });
}
