import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import type { BatchMessage } from './job-messages';
import { isReservedName, MAX_NODES } from './manifest';
import { readMessages } from './message-log';
import { nodeFileName } from './node-file-name';
import { DOCUMENT_VERSION, readDocument } from './read-document';

/** The messages of one node: addressed to it in an inbox, emitted for it in an outbox. */
export interface NodeMessages {
  readonly node_id: string;
  readonly messages: readonly BatchMessage[];
}

export const INBOX_FOLDER = 'inboxes';
export const inboxPath = (nodeId: string): string => `${INBOX_FOLDER}/${nodeFileName(nodeId)}.json`;

/**
 * What a log addresses to each node, by the first message to it; nodes without a message have no inbox. Code
 * `too_many_nodes`.
 */
export function inboxesOf(messages: readonly BatchMessage[]): Result<readonly NodeMessages[]> {
  const byNode = new Map<string, BatchMessage[]>();
  for (const message of messages) {
    const nodeId = message.recipient_node_id;
    if (nodeId === null || isReservedName(nodeId)) continue;
    const known = byNode.get(nodeId);
    if (known) known.push(message);
    else byNode.set(nodeId, [message]);
  }
  if (byNode.size > MAX_NODES) {
    return fail('too_many_nodes', `The message log is addressed to ${byNode.size} nodes; ${MAX_NODES} are the most.`);
  }
  return ok([...byNode].map(([node_id, own]) => ({ node_id, messages: own })));
}

/** An inbox or outbox as a document. Same messages, same bytes. */
export function renderNodeMessages({ node_id, messages }: NodeMessages): string {
  const metadata = { message_count: messages.length };
  return jsonText({ version: DOCUMENT_VERSION, node_id, metadata, messages }, { indent: 2 }) + '\n';
}

/** The messages in a node's inbox. Another node's inbox, or a message to another node in it, is refused (`wrong_node`). */
export function parseInbox(text: string, nodeId: string): Result<readonly BatchMessage[]> {
  const inbox = parseNodeMessages(text, 'inbox');
  if (!inbox.ok) return inbox;
  if (inbox.value.node_id !== nodeId) {
    return fail('wrong_node', `The inbox is that of the node ${JSON.stringify(inbox.value.node_id)}.`);
  }
  const astray = inbox.value.messages.find((message) => message.recipient_node_id !== nodeId);
  if (astray) {
    return fail(
      'wrong_node',
      `The inbox holds the message ${JSON.stringify(astray.message_id)}, which is for another node.`,
    );
  }
  return ok(inbox.value.messages);
}

/** An inbox or outbox, named by `what`. Codes of `readMessages`. */
export function parseNodeMessages(text: string, what: string): Result<NodeMessages> {
  const document = readDocument(text, what);
  if (!document.ok) return document;
  const { node_id } = document.value;
  if (typeof node_id !== 'string') return fail('malformed', `The ${what}'s node_id must be text.`);
  const messages = readMessages(document.value, what);
  return messages.ok ? ok({ node_id, messages: messages.value }) : messages;
}

/** The same out of a file of this name; the name must be that of the document's node (`wrong_node`). */
export function parseNodeFile(text: string, what: string, fileName: string): Result<NodeMessages> {
  const document = parseNodeMessages(text, what);
  if (!document.ok) return document;
  const { node_id } = document.value;
  if (`${nodeFileName(node_id)}.json` === fileName) return document;
  return fail('wrong_node', `The ${what} is that of the node ${JSON.stringify(node_id)}, whose file has another name.`);
}
