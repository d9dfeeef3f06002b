import { ok, type Result } from '../../base/result';
import { inboxesOf, inboxPath, renderNodeMessages, type NodeMessages } from './inboxes';
import { parseMessageLog } from './message-log';
import { requireDocument, type DocumentWrite, type TextReader } from './named-documents';

/** What a message log addresses to each node, and the inboxes to write, by path below the folder that has them. */
export interface MaterialiseStep {
  readonly inboxes: readonly NodeMessages[];
  /** In the order of `inboxes`. */
  readonly writes: readonly DocumentWrite[];
}

/** An inbox per addressed node out of the log at a path. Codes `no_file`, those of `parseMessageLog` and `inboxesOf`. */
export async function materialiseStep(logPath: string, read: TextReader): Promise<Result<MaterialiseStep>> {
  const log = await requireDocument(read, logPath, 'message log', parseMessageLog);
  if (!log.ok) return log;
  const inboxes = inboxesOf(log.value.value);
  if (!inboxes.ok) return inboxes;
  const writes = inboxes.value.map((inbox) => ({ path: inboxPath(inbox.node_id), text: renderNodeMessages(inbox) }));
  return ok({ inboxes: inboxes.value, writes });
}
