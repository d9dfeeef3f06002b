import { fail, ok, type Result } from '../../base/result';
import type { NodeMessages } from './inboxes';
import type { BatchMessage } from './job-messages';
import { MAX_NODES } from './manifest';
import { renderMessages } from './message-log';
import { inFile, requireDocument, type TextReader } from './named-documents';
import { collectOutboxes, parseOutboxFile } from './outboxes';

/** The folder of the outboxes: its path, what lies in it, and the path of each of those. */
export interface OutboxFolder {
  readonly path: string;
  readonly names: readonly string[];
  pathOf(name: string): string;
}

/** The outboxes of a folder, in the order of their names, and what all of them say as one log. */
export interface CollectStep {
  readonly outboxes: readonly NodeMessages[];
  readonly messages: readonly BatchMessage[];
  /** The log to write. */
  readonly text: string;
}

/** Names with a point at the front are files that somebody is still writing. */
export const documentNames = (names: readonly string[]): string[] =>
  names.filter((name) => name.endsWith('.json') && !name.startsWith('.'));

/**
 * What lies in the outboxes of a folder as one message log; without any it is a log of 0 messages. Codes
 * `too_many_nodes`, those of `parseOutboxFile` and `collectOutboxes`, and what the reader fails with.
 */
export async function collectStep(folder: OutboxFolder, read: TextReader): Promise<Result<CollectStep>> {
  const names = documentNames(folder.names).sort();
  if (names.length > MAX_NODES) {
    return fail('too_many_nodes', `${folder.path} holds ${names.length} outboxes; ${MAX_NODES} are the most.`);
  }
  const outboxes: NodeMessages[] = [];
  for (const name of names) {
    const outbox = await requireDocument(read, folder.pathOf(name), 'outbox', (text) => parseOutboxFile(text, name));
    if (!outbox.ok) return outbox;
    outboxes.push(outbox.value.value);
  }
  const messages = collectOutboxes(outboxes);
  if (!messages.ok) return inFile(folder.path, messages.error);
  return ok({ outboxes, messages: messages.value, text: renderMessages(messages.value) });
}
