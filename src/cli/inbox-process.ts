import { join } from 'node:path';
import { writeFiles, type FileWrite } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import {
  appendOnce,
  EMPTY_CONTRIBUTION_LEDGER,
  parseContributionLedger,
  renderContributionLedger,
} from '#core/jobs/batch/contribution-ledger';
import { inboxPath, parseInbox, renderNodeMessages } from '#core/jobs/batch/inboxes';
import type { BatchMessage } from '#core/jobs/batch/job-messages';
import { parseMessageLog, renderMessages } from '#core/jobs/batch/message-log';
import { newNodeState, parseNodeState, renderNodeState } from '#core/jobs/batch/node-state';
import { addToOutbox, outboxPath, parseOutbox } from '#core/jobs/batch/outboxes';
import { outputLogOf } from '#core/jobs/batch/output-log';
import { processInbox } from '#core/jobs/batch/process-inbox';
import { renderPass } from '#core/jobs/batch/render-pass';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { inFile, pathsOf, readOptional, readRequired, writable } from './command-files';

/** One node does its own assignments, out of its inbox or a whole message log, and remembers them when it is told where. */
export const inboxProcess: Command = {
  name: 'inbox process',
  usage:
    '--node NODE (--dir FOLDER [--outbox] | --message-log FILE) [--ledger FILE] [--state FILE] [--output-log FILE]',
  summary: "do one node's assignments; with --state only those that it has not done yet",
  positionals: 0,
  options: {
    node: { type: 'string' },
    dir: { type: 'string' },
    'message-log': { type: 'string' },
    ledger: { type: 'string' },
    state: { type: 'string' },
    'output-log': { type: 'string' },
    outbox: { type: 'boolean' },
  },
  run: processNode,
};

interface Place {
  readonly nodeId: string;
  /** A message log, or the node's inbox. */
  readonly source: string;
  readonly isInbox: boolean;
  readonly ledger: string | null;
  readonly state: string | null;
  readonly outputLog: string | null;
  readonly outbox: string | null;
}

async function placeOf(input: CommandInput): Promise<Result<Place>> {
  const { node: nodeId, dir, outbox } = input.options;
  if (typeof nodeId !== 'string' || nodeId === '') return fail('usage', '--node is missing.');
  if ((typeof dir === 'string') === (typeof input.options['message-log'] === 'string')) {
    return fail('usage', 'Give either --dir or --message-log.');
  }
  if (outbox === true && typeof dir !== 'string') return fail('usage', '--outbox needs --dir.');
  const own = typeof dir !== 'string' ? {} : { inbox: join(dir, inboxPath(nodeId)) };
  const out =
    typeof dir === 'string' && outbox === true ? { outbox: join(dir, outboxPath(nodeId)) } : { outbox: undefined };
  const named = { ...input, options: { ...input.options, ...own, ...out } };
  const paths = await pathsOf(named, [], ['inbox', 'message-log', 'ledger', 'state', 'output-log', 'outbox']);
  if (!paths.ok) return paths;
  const { inbox, 'message-log': log, ledger, state, 'output-log': outputLog, outbox: outboxFile } = paths.value;
  const isInbox = inbox !== null;
  return ok({ nodeId, source: inbox ?? log ?? '', isInbox, ledger, state, outputLog, outbox: outboxFile });
}

/** A node without an inbox has nothing to do; a message log must be there and name the node. */
async function messagesFor({ nodeId, source, isInbox }: Place): Promise<Result<readonly BatchMessage[]>> {
  if (isInbox) {
    const inbox = await readOptional(source, (text) => parseInbox(text, nodeId));
    return inbox.ok ? ok(inbox.value.value ?? []) : inbox;
  }
  const log = await readRequired(source, 'message log', parseMessageLog);
  if (!log.ok) return log;
  const messages = log.value.value;
  const named = messages.some((one) => one.sender_node_id === nodeId || one.recipient_node_id === nodeId);
  return named ? ok(messages) : fail('unknown_node', `${source} does not name the node ${JSON.stringify(nodeId)}.`);
}

async function processNode(input: CommandInput): Promise<Result<string>> {
  const placed = await placeOf(input);
  if (!placed.ok) return placed;
  const place = placed.value;
  const { nodeId } = place;
  const messages = await messagesFor(place);
  if (!messages.ok) return messages;
  const state = await readOptional(place.state, (text) => parseNodeState(text, nodeId));
  if (!state.ok) return state;
  const ledger = await readOptional(place.ledger, parseContributionLedger);
  if (!ledger.ok) return ledger;
  // Without a state nothing was left out, so that what stands in the output log is not needed.
  const earlier = await readOptional(place.state === null ? null : place.outputLog, parseMessageLog);
  if (!earlier.ok) return earlier;
  const outbox = await readOptional(place.outbox, (text) => parseOutbox(text, nodeId));
  if (!outbox.ok) return outbox;

  const pass = processInbox(messages.value, state.value.value ?? newNodeState(nodeId), deterministicJobTypes);
  if (!pass.ok) return inFile(place.source, pass.error);
  const records = pass.value.processed.map((one) => one.record);
  const recorded = appendOnce(ledger.value.value ?? EMPTY_CONTRIBUTION_LEDGER, records);
  if (!recorded.ok) return inFile(ledger.value.path, recorded.error);
  const output = outputLogOf(messages.value, pass.value, earlier.value.value ?? []);
  if (!output.ok) return inFile(earlier.value.path, output.error);
  const sent = addToOutbox(outbox.value.value ?? { node_id: nodeId, messages: [] }, pass.value);
  if (!sent.ok) return inFile(outbox.value.path, sent.error);

  // The state comes last: what it says is done must stand in the other files. Whoever stops before it does the
  // same work again and finds its records and messages there.
  const writes: (FileWrite & { readonly text: string })[] = [];
  if (place.ledger !== null) {
    const text = renderContributionLedger(recorded.value.ledger);
    writes.push({ path: place.ledger, text, readAs: ledger.value.text });
  }
  if (place.outputLog !== null) writes.push({ path: place.outputLog, text: renderMessages(output.value) });
  if (place.outbox !== null && sent.value.messages.length > 0) {
    writes.push({ path: place.outbox, text: renderNodeMessages(sent.value), readAs: outbox.value.text });
  }
  if (place.state !== null) {
    writes.push({ path: place.state, text: renderNodeState(pass.value.state), readAs: state.value.text });
  }
  for (const { path, text } of writes) {
    const fits = writable(path, text);
    if (!fits.ok) return fits;
  }
  const written = await writeFiles(writes);
  if (!written.ok) return written;
  const { ledger: after, added } = recorded.value;
  return ok(renderPass(pass.value, deterministicJobTypes, place.ledger === null ? null : { after, added }));
}
