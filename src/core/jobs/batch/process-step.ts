import { fail, ok, type Result } from '../../base/result';
import {
  appendOnce,
  EMPTY_CONTRIBUTION_LEDGER,
  parseContributionLedger,
  renderContributionLedger,
  type ContributionLedger,
} from './contribution-ledger';
import { parseInbox, renderNodeMessages } from './inboxes';
import type { BatchMessage } from './job-messages';
import type { JobTypes } from './job-type';
import { parseMessageLog, renderMessages } from './message-log';
import { inFile, readDocumentAt, requireDocument, type DocumentWrite, type TextReader } from './named-documents';
import { newNodeState, parseNodeState, renderNodeState } from './node-state';
import { addToOutbox, parseOutbox } from './outboxes';
import { outputLogOf } from './output-log';
import { processInbox, type Pass } from './process-inbox';

/** Where a node's pass reads and writes, by path; null: nobody asked for that document. */
export interface PassPlace {
  readonly nodeId: string;
  /** A message log, or the node's inbox. */
  readonly source: string;
  readonly isInbox: boolean;
  readonly ledger: string | null;
  readonly state: string | null;
  readonly outputLog: string | null;
  readonly outbox: string | null;
}

/** A node's pass and what it leaves. */
export interface PassStep {
  readonly pass: Pass;
  /** The ledger afterwards; null: nobody asked for it. */
  readonly ledger: { readonly after: ContributionLedger; readonly added: number } | null;
  /**
   * In the order in which they must be written. The state comes last: what it says is done must stand in the other files. Whoever
   * stops before it does the same work again and finds its records and messages there.
   */
  readonly writes: readonly DocumentWrite[];
}

/** A node without an inbox has nothing to do; a message log must be there and name the node. */
async function messagesFor(
  { nodeId, source, isInbox }: PassPlace,
  read: TextReader,
): Promise<Result<readonly BatchMessage[]>> {
  if (isInbox) {
    const inbox = await readDocumentAt(read, source, (text) => parseInbox(text, nodeId));
    return inbox.ok ? ok(inbox.value.value ?? []) : inbox;
  }
  const log = await requireDocument(read, source, 'message log', parseMessageLog);
  if (!log.ok) return log;
  const messages = log.value.value;
  const named = messages.some((one) => one.sender_node_id === nodeId || one.recipient_node_id === nodeId);
  return named ? ok(messages) : fail('unknown_node', `${source} does not name the node ${JSON.stringify(nodeId)}.`);
}

/**
 * One node's pass over the documents at a place. Writes nothing itself: all of it is read and judged before the first write is
 * told. Codes `no_file`, `unknown_node`, those of the documents, of `processInbox`, `appendOnce`, `outputLogOf`,
 * `addToOutbox`, and what the reader fails with; where a document is at fault the sentence begins with its path.
 */
export async function processStep(place: PassPlace, read: TextReader, jobTypes: JobTypes): Promise<Result<PassStep>> {
  const { nodeId } = place;
  const messages = await messagesFor(place, read);
  if (!messages.ok) return messages;
  const state = await readDocumentAt(read, place.state, (text) => parseNodeState(text, nodeId));
  if (!state.ok) return state;
  const ledger = await readDocumentAt(read, place.ledger, parseContributionLedger);
  if (!ledger.ok) return ledger;
  // Without a state nothing was left out, so that what stands in the output log is not needed.
  const earlier = await readDocumentAt(read, place.state === null ? null : place.outputLog, parseMessageLog);
  if (!earlier.ok) return earlier;
  const outbox = await readDocumentAt(read, place.outbox, (text) => parseOutbox(text, nodeId));
  if (!outbox.ok) return outbox;

  const pass = processInbox(messages.value, state.value.value ?? newNodeState(nodeId), jobTypes);
  if (!pass.ok) return inFile(place.source, pass.error);
  const records = pass.value.processed.map((one) => one.record);
  const recorded = appendOnce(ledger.value.value ?? EMPTY_CONTRIBUTION_LEDGER, records);
  if (!recorded.ok) return inFile(ledger.value.path, recorded.error);
  const output = outputLogOf(messages.value, pass.value, earlier.value.value ?? []);
  if (!output.ok) return inFile(earlier.value.path, output.error);
  const sent = addToOutbox(outbox.value.value ?? { node_id: nodeId, messages: [] }, pass.value);
  if (!sent.ok) return inFile(outbox.value.path, sent.error);

  const { ledger: after, added } = recorded.value;
  const writes: DocumentWrite[] = [];
  if (place.ledger !== null) {
    writes.push({ path: place.ledger, text: renderContributionLedger(after), readAs: ledger.value.text });
  }
  if (place.outputLog !== null) writes.push({ path: place.outputLog, text: renderMessages(output.value) });
  if (place.outbox !== null && sent.value.messages.length > 0) {
    writes.push({ path: place.outbox, text: renderNodeMessages(sent.value), readAs: outbox.value.text });
  }
  if (place.state !== null) {
    writes.push({ path: place.state, text: renderNodeState(pass.value.state), readAs: state.value.text });
  }
  return ok({ pass: pass.value, ledger: place.ledger === null ? null : { after, added }, writes });
}
