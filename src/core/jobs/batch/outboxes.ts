import { equalJson } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { byCodePoint } from '../../base/text';
import { parseNodeFile, parseNodeMessages, type NodeMessages } from './inboxes';
import type { BatchMessage } from './job-messages';
import { fitsOneLog, MAX_MESSAGES } from './message-log';
import { nodeFileName } from './node-file-name';
import type { Pass } from './process-inbox';

export const OUTBOX_FOLDER = 'outboxes';
export const outboxPath = (nodeId: string): string => `${OUTBOX_FOLDER}/${nodeFileName(nodeId)}.json`;

/** What of a node's messages leaves it: results and validations. What the ledger acknowledged stays in the node's own log. */
const leaves = (message: BatchMessage): boolean =>
  message.message_type === 'job_result_reported' || message.message_type === 'job_validated';

/**
 * An outbox with the results and validations of a pass at its end. What stands there already stays; a message that stands
 * there and says something else is refused (`conflicting_message`), more than an outbox holds as well (`too_many_messages`).
 */
export function addToOutbox(outbox: NodeMessages, pass: Pass): Result<NodeMessages> {
  const known = new Map(outbox.messages.map((message) => [message.message_id, message]));
  const added: BatchMessage[] = [];
  for (const message of pass.processed.flatMap((one) => one.emitted).filter(leaves)) {
    const held = known.get(message.message_id);
    if (held === undefined) added.push(message);
    else if (!equalJson(message, held)) {
      const name = JSON.stringify(message.message_id);
      return fail('conflicting_message', `The outbox holds another message under the id ${name}.`);
    }
  }
  const messages = fitsOneLog([...outbox.messages, ...added], 'outbox');
  return messages.ok ? ok({ node_id: outbox.node_id, messages: messages.value }) : messages;
}

/** The outbox of a node; anything in it that is not this node's is refused (`wrong_node`). */
export function parseOutbox(text: string, nodeId: string): Result<NodeMessages> {
  const outbox = parseNodeMessages(text, 'outbox');
  if (!outbox.ok) return outbox;
  if (outbox.value.node_id !== nodeId) {
    return fail('wrong_node', `The outbox is that of the node ${JSON.stringify(outbox.value.node_id)}.`);
  }
  return ownMessages(outbox.value);
}

/** The outbox in a file of this name; the name must be that of its node (`wrong_node`). */
export function parseOutboxFile(text: string, fileName: string): Result<NodeMessages> {
  const outbox = parseNodeFile(text, 'outbox', fileName);
  return outbox.ok ? ownMessages(outbox.value) : outbox;
}

function ownMessages(outbox: NodeMessages): Result<NodeMessages> {
  for (const message of outbox.messages) {
    const name = JSON.stringify(message.message_id);
    if (!leaves(message))
      return fail('malformed', `The outbox holds the message ${name}, which is no result and no validation.`);
    const speaker = message.message_type === 'job_validated' ? message.payload['node_id'] : message.sender_node_id;
    if (speaker !== outbox.node_id) return fail('wrong_node', `The outbox holds the message ${name} of another node.`);
  }
  return ok(outbox);
}

/** The messages of all outboxes, by node id in code point order, then as they stand. Codes `duplicate_id`, `too_many_messages`. */
export function collectOutboxes(outboxes: readonly NodeMessages[]): Result<readonly BatchMessage[]> {
  const sorted = [...outboxes].sort((a, b) => byCodePoint(a.node_id, b.node_id));
  const messages = sorted.flatMap((outbox) => outbox.messages);
  if (messages.length > MAX_MESSAGES) {
    return fail(
      'too_many_messages',
      `The outboxes hold ${messages.length} messages; a log holds at most ${MAX_MESSAGES}.`,
    );
  }
  const seen = new Set<string>();
  for (const { message_id } of messages) {
    if (seen.has(message_id)) {
      return fail('duplicate_id', `Two messages of the outboxes have the id ${JSON.stringify(message_id)}.`);
    }
    seen.add(message_id);
  }
  return ok(messages);
}
