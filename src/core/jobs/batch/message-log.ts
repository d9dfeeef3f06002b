import * as v from 'valibot';
import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { writtenMessages, type BatchArtefacts, type BatchTotals, type ValidationSummary } from './artefacts';
import { MESSAGE_TYPES, type BatchMessage, type MessageType } from './job-messages';
import type { JobTypes } from './job-type';
import {
  capabilitiesSchema,
  idOfAtMost,
  idSchema,
  isReservedName,
  MAX_ID_CHARACTERS,
  MAX_JOBS,
  MAX_NODES,
  nodeIdSchema,
  type BatchManifest,
} from './manifest';
import { isPlainObject, type PayloadFields } from './payload';
import { DOCUMENT_VERSION, readDocument } from './read-document';

/** A full batch leaves a heartbeat per node and four messages per job; a log with more is no run's. */
export const MAX_MESSAGES = MAX_NODES + 4 * MAX_JOBS;
/** Room for the word behind the id of an assignment. */
const MAX_EMITTED_ID_CHARACTERS = MAX_ID_CHARACTERS + 16;

export interface LogMetadata {
  readonly message_count: number;
  readonly node_count: number;
  readonly job_count: number;
  readonly node_ids: readonly string[];
  readonly job_ids: readonly string[];
  readonly totals: BatchTotals;
  readonly validation_summary: ValidationSummary;
  readonly total_contribution_units: number;
}

/** Who and what a log is about, where it is more than its messages name: a roster has offline nodes too. */
export interface LogScope {
  readonly nodeIds: readonly string[];
  readonly jobIds: readonly string[];
}

/** Messages that are about to be written; more than a log holds would never be read again. Code `too_many_messages`. */
export const fitsOneLog = (messages: readonly BatchMessage[], what: string): Result<readonly BatchMessage[]> =>
  messages.length <= MAX_MESSAGES
    ? ok(messages)
    : fail('too_many_messages', `The ${what} would hold ${messages.length} messages; ${MAX_MESSAGES} are the most.`);

/** The figures of a log, counted from its messages. Without a scope nodes and jobs stand in the order in which they first appear. */
export function metadataOf(messages: readonly BatchMessage[], scope: LogScope = scopeOf(messages)): LogMetadata {
  const of = (type: MessageType) => messages.filter((message) => message.message_type === type);
  const results = of('job_result_reported');
  const validations = of('job_validated');
  const completed = results.filter(({ payload }) => payload['status'] === 'completed').length;
  const valid = validations.filter(({ payload }) => payload['valid'] === true).length;
  const invalid = validations.length - valid;
  const unsupported = validations.filter(({ payload }) => payload['reason'] === 'unsupported_job_type').length;
  const units = validations.reduce(
    (sum, { payload }) => sum + Number(payload['contribution_units_after_validation']),
    0,
  );
  return {
    message_count: messages.length,
    node_count: scope.nodeIds.length,
    job_count: scope.jobIds.length,
    node_ids: scope.nodeIds,
    job_ids: scope.jobIds,
    totals: {
      nodes: scope.nodeIds.length,
      jobs: scope.jobIds.length,
      results: results.length,
      completed_jobs: completed,
      failed_jobs: results.length - completed,
      valid_results: valid,
      invalid_results: invalid,
      unsupported_results: unsupported,
      contribution_units: units,
    },
    validation_summary: { valid, invalid, unsupported },
    total_contribution_units: units,
  };
}

export const scopeOfManifest = (manifest: BatchManifest): LogScope => ({
  nodeIds: manifest.nodes.map((node) => node.node_id),
  jobIds: manifest.jobs.map((job) => job.job_id),
});

function scopeOf(messages: readonly BatchMessage[]): LogScope {
  const nodeIds = new Set<string>();
  const jobIds = new Set<string>();
  for (const { sender_node_id, recipient_node_id, payload, correlation_id } of messages) {
    for (const id of [sender_node_id, recipient_node_id, payload['node_id']]) {
      if (typeof id === 'string' && !isReservedName(id)) nodeIds.add(id);
    }
    if (correlation_id !== null) jobIds.add(correlation_id);
  }
  return { nodeIds: [...nodeIds], jobIds: [...jobIds] };
}

/** Messages as an audit document: the figures, and every message in order. Same messages, same bytes. */
export function renderMessages(messages: readonly BatchMessage[], scope?: LogScope): string {
  const document = { version: DOCUMENT_VERSION, metadata: metadataOf(messages, scope), messages };
  return jsonText(document, { indent: 2 }) + '\n';
}

/** A run's message log. */
export const renderMessageLog = (manifest: BatchManifest, artefacts: BatchArtefacts, jobTypes: JobTypes): string =>
  renderMessages(writtenMessages(manifest, artefacts, jobTypes), scopeOfManifest(manifest));

const sentence = { missing: 'is missing', unknown: 'is not a field of version 1' };
const missingOrUnknown = (issue: v.StrictObjectIssue): string =>
  issue.expected === 'Object' ? 'must be an object' : issue.expected === 'never' ? sentence.unknown : sentence.missing;

const messageSchema = v.strictObject(
  {
    message_id: idOfAtMost(MAX_EMITTED_ID_CHARACTERS),
    message_type: v.picklist(MESSAGE_TYPES, 'is not a type of version 1'),
    sender_node_id: idSchema,
    recipient_node_id: v.nullable(idSchema),
    payload: v.custom<PayloadFields>(isPlainObject, 'must be an object'),
    correlation_id: v.nullable(idSchema),
  },
  missingOrUnknown,
);

const countSchema = v.pipe(
  v.number('must be an integer'),
  v.safeInteger('must be an integer'),
  v.minValue(0, 'must not be negative'),
);
const truth = v.boolean('must be true or false');
const text = v.string('must be text');
const status = v.picklist(['completed', 'failed'], 'must be "completed" or "failed"');

/** What a payload must have, by type. More is kept and means nothing here. */
const PAYLOADS: Readonly<Record<MessageType, v.GenericSchema>> = {
  node_heartbeat: v.looseObject(
    {
      node_id: nodeIdSchema,
      status: v.picklist(['available', 'offline'], 'must be "available" or "offline"'),
      capabilities: v.optional(capabilitiesSchema),
      heartbeat_sequence: v.optional(countSchema),
      heartbeat_count: v.optional(countSchema),
    },
    sentence.missing,
  ),
  job_assigned: v.looseObject(
    {
      job_id: idSchema,
      job_type: idSchema,
      payload: v.custom<PayloadFields>(isPlainObject, 'must be an object'),
      node_id: nodeIdSchema,
    },
    sentence.missing,
  ),
  job_result_reported: v.looseObject(
    {
      job_id: idSchema,
      node_id: idSchema,
      status,
      output: v.pipe(
        v.unknown(),
        v.check((output) => output !== undefined, sentence.missing),
      ),
      error: v.nullable(text),
      contribution_units: countSchema,
      result_hash: v.optional(text),
    },
    sentence.missing,
  ),
  job_validated: v.looseObject(
    {
      job_id: idSchema,
      node_id: idSchema,
      assignment_message_id: text,
      result_message_id: text,
      valid: truth,
      reason: text,
      contribution_units_after_validation: countSchema,
    },
    sentence.missing,
  ),
  contribution_recorded: v.looseObject(
    { job_id: idSchema, node_id: idSchema, status, valid: truth, validation: text, contribution_units: countSchema },
    sentence.missing,
  ),
};

/**
 * The messages of a log in a file's text. Besides the shape of each it holds them against each other: ids stand once, a job
 * is assigned once, and a message that names another one of this log comes after it and is about the same job, so that no
 * chain of references closes. Codes of `readDocument`, `malformed`, `duplicate_id`.
 */
export function parseMessageLog(text: string): Result<readonly BatchMessage[]> {
  const document = readDocument(text, 'message log');
  return document.ok ? readMessages(document.value, 'message log') : document;
}

/** The same for a document that is already decoded and named by `what`. */
export function readMessages(document: PayloadFields, what: string): Result<readonly BatchMessage[]> {
  const { metadata, messages } = document;
  if (!Array.isArray(messages)) return fail('malformed', `The ${what}'s messages must be a list.`);
  if (messages.length > MAX_MESSAGES) {
    return fail('malformed', `The ${what} has more than ${MAX_MESSAGES} messages.`);
  }
  if (isPlainObject(metadata) && metadata['message_count'] !== undefined) {
    if (metadata['message_count'] !== messages.length) {
      return fail('malformed', `The ${what} has ${messages.length} messages, but its message_count says otherwise.`);
    }
  }
  const read: BatchMessage[] = [];
  const messageById = new Map<string, BatchMessage>();
  const namedAhead = new Set<string>();
  const assigned = new Set<string>();
  let units = 0;
  for (const [index, entry] of (messages as unknown[]).entries()) {
    const at = `The ${what}'s messages[${index}]`;
    const fault = messageFault(entry);
    if (fault !== null) return fail('malformed', `${at}${fault}.`);
    const message = entry as BatchMessage;
    const { message_id, message_type, payload } = message;
    if (messageById.has(message_id)) {
      return fail('duplicate_id', `${at} has the id ${JSON.stringify(message_id)}, which stands there already.`);
    }
    if (namedAhead.has(message_id)) return fail('malformed', `${at} comes after a message that names it.`);
    if (message_type === 'job_assigned') {
      const jobId = message.correlation_id!;
      if (assigned.has(jobId)) return fail('duplicate_id', `${at} assigns the job ${JSON.stringify(jobId)} again.`);
      assigned.add(jobId);
    }
    if (message_type === 'job_validated') {
      const wrong = referenceFault(message, messageById, namedAhead);
      if (wrong !== null) return fail('malformed', `${at} ${wrong}.`);
      units += Number(payload['contribution_units_after_validation']);
      if (!Number.isSafeInteger(units)) return fail('malformed', `${at} takes the units beyond what can be counted.`);
    }
    messageById.set(message_id, message);
    read.push(message);
  }
  return ok(read);
}

function messageFault(entry: unknown): string | null {
  const fault = shapeFault(messageSchema, entry);
  if (fault !== null) return fault;
  const message = entry as BatchMessage;
  const inside = shapeFault(PAYLOADS[message.message_type], message.payload, 'payload');
  if (inside !== null) return inside;
  const wrong = addressFault(message);
  return wrong === null ? null : ` ${wrong}`;
}

function shapeFault(schema: v.GenericSchema, value: unknown, inside = ''): string | null {
  const parsed = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (parsed.success) return null;
  const issue = parsed.issues[0];
  const path = [inside, v.getDotPath(issue) ?? ''].filter((part) => part !== '').join('.');
  return `${path === '' ? '' : `.${path}`} ${issue.message}`;
}

/** Sender, recipient and correlation must say what the payload says. */
function addressFault({
  message_type,
  sender_node_id,
  recipient_node_id,
  payload,
  correlation_id,
}: BatchMessage): string | null {
  if (message_type === 'node_heartbeat') {
    if (sender_node_id !== payload['node_id']) return 'is a heartbeat in the name of another node';
    return recipient_node_id === null && correlation_id === null
      ? null
      : 'is a heartbeat, which is for everyone and about no job';
  }
  if (correlation_id === null) return 'is about no job';
  if (message_type === 'job_assigned') {
    if (recipient_node_id !== payload['node_id']) return 'is an assignment that goes to another node than it names';
    return correlation_id === payload['job_id'] ? null : 'is an assignment of another job than it is about';
  }
  return null;
}

/**
 * What a validation names must be of the right type and about the same job. It must come before the validation when it is in
 * the log at all (`namedAhead` tells later messages); a node's outbox holds no assignments.
 */
function referenceFault(
  message: BatchMessage,
  earlier: ReadonlyMap<string, BatchMessage>,
  namedAhead: Set<string>,
): string | null {
  const references = [
    ['assignment_message_id', 'job_assigned'],
    ['result_message_id', 'job_result_reported'],
  ] as const;
  for (const [field, type] of references) {
    const id = String(message.payload[field]);
    if (id === message.message_id) return `names itself as its ${field}`;
    const named = earlier.get(id);
    if (named === undefined) namedAhead.add(id);
    else if (named.message_type !== type || named.correlation_id !== message.correlation_id) {
      return `names as its ${field} a message that is none of its job`;
    }
  }
  return null;
}
