import * as v from 'valibot';
import { hex, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import { jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import type { BatchMessage } from './job-messages';
import { nodeFileName } from './node-file-name';
import { DOCUMENT_VERSION, readDocument } from './read-document';

/** One assignment that a node is done with. */
export interface ProcessedMessage {
  readonly message_id: string;
  readonly assignment_hash: string;
}

/** What a node remembers between passes over its inbox, in the order in which it was done. */
export interface NodeState {
  readonly node_id: string;
  readonly processed: readonly ProcessedMessage[];
}

export const statePath = (nodeId: string): string => `node-state/${nodeFileName(nodeId)}.json`;

export const newNodeState = (node_id: string): NodeState => ({ node_id, processed: [] });

/**
 * SHA-256, in hex, over an assignment as it was written: compact JSON with sorted keys and non-ASCII escaped. Message ids begin
 * anew in every log; the hash tells the assignments of two logs apart.
 */
export const assignmentHash = (message: BatchMessage): string =>
  hex(sha256(utf8(jsonText(message, { ascii: true, sortKeys: true }))));

const processedSchema = v.strictObject(
  {
    message_id: v.string('must be text'),
    assignment_hash: v.pipe(v.string('must be text'), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')),
  },
  (issue) =>
    issue.expected === 'Object' ? 'must be an object' : issue.expected === 'never' ? 'is unknown' : 'is missing',
);

/** A node's state in a file's text. Codes of `readDocument`, `malformed`, `wrong_node`, `duplicate_id`. */
export function parseNodeState(text: string, nodeId: string): Result<NodeState> {
  const document = readDocument(text, 'node state');
  if (!document.ok) return document;
  const { node_id, processed } = document.value;
  if (typeof node_id !== 'string') return fail('malformed', "The node state's node_id must be text.");
  if (node_id !== nodeId) return fail('wrong_node', `The node state is that of the node ${JSON.stringify(node_id)}.`);
  if (!Array.isArray(processed)) return fail('malformed', "The node state's processed must be a list.");
  const seen = new Set<string>();
  for (const [index, entry] of (processed as unknown[]).entries()) {
    const parsed = v.safeParse(processedSchema, entry, { abortEarly: true, abortPipeEarly: true });
    const at = `The node state's processed[${index}]`;
    if (!parsed.success) {
      const [issue] = parsed.issues;
      const path = v.getDotPath(issue);
      return fail('malformed', `${at}${path === null ? '' : `.${path}`} ${issue.message}.`);
    }
    const { message_id } = parsed.output;
    if (seen.has(message_id)) return fail('duplicate_id', `${at} is ${JSON.stringify(message_id)} a second time.`);
    seen.add(message_id);
  }
  return ok({ node_id, processed: processed as ProcessedMessage[] });
}

export const renderNodeState = ({ node_id, processed }: NodeState): string =>
  jsonText({ version: DOCUMENT_VERSION, node_id, processed }, { indent: 2 }) + '\n';
