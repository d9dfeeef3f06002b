import { LEDGER, SCHEDULER, VALIDATOR, type BatchJob } from './manifest';
import type { SettledJob } from './settled-job';

export const MESSAGE_TYPES = [
  'node_heartbeat',
  'job_assigned',
  'job_result_reported',
  'job_validated',
  'contribution_recorded',
] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

export interface BatchMessage {
  /** In the log of a run `msg-0001` onward; what a node emits bears the id of its assignment and a word (see `emittedIds`). */
  readonly message_id: string;
  readonly message_type: MessageType;
  readonly sender_node_id: string;
  /** Null for a heartbeat, which is for everyone. */
  readonly recipient_node_id: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The job's id; null for a heartbeat. */
  readonly correlation_id: string | null;
}

export interface NodeHeartbeat {
  readonly node_id: string;
  readonly status: 'available' | 'offline';
  readonly capabilities: readonly string[];
  readonly heartbeat_sequence: number;
  readonly heartbeat_count: number;
}

/** The ids of the messages about one job. */
export interface JobMessageIds {
  readonly assigned: string;
  readonly result: string;
  readonly validation: string;
  readonly contribution: string;
}

/** The id of the message that stands at this place of a log, from 1. */
export const runningId = (place: number): string => `msg-${String(place).padStart(4, '0')}`;

/**
 * The ids of what a node emits for an assignment: the assignment's id and a word. They are the same however often and in
 * whatever portions an inbox is processed, and never those of another node.
 */
export const emittedIds = (assignmentId: string): JobMessageIds => ({
  assigned: assignmentId,
  result: `${assignmentId}.result`,
  validation: `${assignmentId}.validation`,
  contribution: `${assignmentId}.contribution`,
});

export const heartbeatMessage = (message_id: string, heartbeat: NodeHeartbeat): BatchMessage => ({
  message_id,
  message_type: 'node_heartbeat',
  sender_node_id: heartbeat.node_id,
  recipient_node_id: null,
  payload: {
    node_id: heartbeat.node_id,
    status: heartbeat.status,
    capabilities: heartbeat.capabilities,
    heartbeat_sequence: heartbeat.heartbeat_sequence,
    heartbeat_count: heartbeat.heartbeat_count,
  },
  correlation_id: null,
});

export const assignedMessage = (message_id: string, job: BatchJob, node_id: string): BatchMessage => ({
  message_id,
  message_type: 'job_assigned',
  sender_node_id: SCHEDULER,
  recipient_node_id: node_id,
  payload: { job_id: job.job_id, job_type: job.job_type, payload: job.payload, node_id },
  correlation_id: job.job_id,
});

/** Result, validation and contribution of a judged job; `output` is the reported one as the reader wants it. */
export function settledMessages(settled: SettledJob, ids: JobMessageIds, output: unknown): readonly BatchMessage[] {
  const { job, nodeId: node_id, reported, judgement } = settled;
  const { job_id } = job;
  const { valid, reason } = judgement.validation;
  const contribution_units = judgement.units;
  return [
    {
      message_id: ids.result,
      message_type: 'job_result_reported',
      sender_node_id: node_id,
      recipient_node_id: LEDGER,
      payload: {
        job_id: reported.job_id,
        node_id: reported.node_id,
        status: reported.status,
        success: reported.status === 'completed',
        output,
        error: reported.error,
        contribution_units,
        result_hash: settled.resultHash,
      },
      correlation_id: job_id,
    },
    {
      message_id: ids.validation,
      message_type: 'job_validated',
      sender_node_id: VALIDATOR,
      recipient_node_id: LEDGER,
      payload: {
        job_id,
        node_id,
        assignment_message_id: ids.assigned,
        result_message_id: ids.result,
        validator_id: VALIDATOR,
        valid,
        reason,
        contribution_units_after_validation: contribution_units,
      },
      correlation_id: job_id,
    },
    {
      message_id: ids.contribution,
      message_type: 'contribution_recorded',
      sender_node_id: LEDGER,
      recipient_node_id: node_id,
      payload: { job_id, node_id, status: reported.status, valid, validation: reason, contribution_units },
      correlation_id: job_id,
    },
  ];
}
