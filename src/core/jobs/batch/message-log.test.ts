import { expect, test } from 'vitest';
import { jsonText } from '../../base/json-text';
import { unwrap } from '../../base/result';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { writtenMessages } from './artefacts';
import { dispatchBatch } from './dispatch';
import { readManifest } from './manifest';
import {
  MAX_MESSAGES,
  metadataOf,
  parseMessageLog,
  renderMessageLog,
  renderMessages,
  scopeOfManifest,
} from './message-log';
import { runBatch } from './run-batch';

const manifest = unwrap(
  readManifest({
    version: 1,
    nodes: ['a', { node_id: 'off', status: 'offline' }, 'c'],
    jobs: [shoutJob('1', 'é'), shoutJob('2', 5), shoutJob('3', 'abc')],
  }),
);
const run = unwrap(runBatch(manifest, shoutTypes));
const log = renderMessageLog(manifest, run, shoutTypes);

interface Entry {
  [field: string]: unknown;
  payload: Record<string, unknown>;
}
type Document = { version: unknown; metadata: Record<string, unknown>; messages: Entry[] };

/** The log after a change, as text. */
const changed = (change: (document: Document) => void): string => {
  const document = JSON.parse(log) as Document;
  change(document);
  return JSON.stringify(document);
};
const at = (index: number, change: (entry: Entry) => void) => changed((document) => change(document.messages[index]!));

test('a log that was written reads back as the same messages, floats kept apart, and is written the same again', () => {
  const messages = unwrap(parseMessageLog(log));
  expect(jsonText(messages)).toBe(jsonText(writtenMessages(manifest, run, shoutTypes)));
  expect(renderMessages(messages, scopeOfManifest(manifest))).toBe(log);
});

test('the figures counted from the messages are those of the run', () => {
  const { totals, validation_summary, ...rest } = metadataOf(unwrap(parseMessageLog(log)), scopeOfManifest(manifest));
  expect(totals).toEqual(run.totals);
  expect(validation_summary).toEqual(run.validation_summary);
  expect(rest).toMatchObject({ message_count: 14, node_ids: ['a', 'off', 'c'], total_contribution_units: 4 });
});

test('without a roster nodes and jobs stand in the order in which the messages name them', () => {
  expect(metadataOf(run.messages)).toMatchObject({ node_ids: ['a', 'c'], job_ids: ['1', '2', '3'], node_count: 2 });
  expect(metadataOf([])).toMatchObject({ message_count: 0, node_ids: [], totals: { results: 0 } });
});

test('a dispatch is the heartbeats of the available nodes with what they can do, then the assignments in job order', () => {
  const { messages, assignments } = unwrap(dispatchBatch(manifest, shoutTypes));
  expect(
    messages.map(({ message_id, message_type, recipient_node_id }) => [message_id, message_type, recipient_node_id]),
  ).toEqual([
    ['msg-0001', 'node_heartbeat', null],
    ['msg-0002', 'node_heartbeat', null],
    ['msg-0003', 'job_assigned', 'a'],
    ['msg-0004', 'job_assigned', 'c'],
    ['msg-0005', 'job_assigned', 'a'],
  ]);
  expect(messages[0]!.payload).toEqual(run.messages[0]!.payload);
  expect(messages[1]!.payload).toMatchObject({ node_id: 'c', capabilities: ['shout'], heartbeat_sequence: 2 });
  expect(assignments).toEqual(run.assignments);
  expect(metadataOf(messages, scopeOfManifest(manifest))).toMatchObject({
    node_count: 3,
    totals: { jobs: 3, results: 0 },
  });
});

test('an older log without figures is read', () => {
  expect(parseMessageLog(changed((document) => Reflect.deleteProperty(document, 'metadata'))).ok).toBe(true);
});

const swap = (document: Document, one: number, other: number): void => {
  const { messages } = document;
  [messages[one], messages[other]] = [messages[other]!, messages[one]!];
};

test.each<[name: string, text: string, code: string, sentence: RegExp]>([
  ['cut off', log.slice(0, log.length / 2), 'undecodable', /not valid JSON/],
  ['of another version', changed((document) => (document.version = 2)), 'unknown_version', /version must be 1/],
  ['no object', '[]', 'malformed', /must be an object/],
  ['without messages', '{"version":1}', 'malformed', /messages must be a list/],
  [
    'with a message less than it counts',
    changed((document) => document.messages.pop()),
    'malformed',
    /has 13 messages/,
  ],
  [
    'with a message twice',
    changed((d) => d.messages.splice(3, 0, d.messages[2]!) && (d.metadata['message_count'] = 15)),
    'duplicate_id',
    /messages\[3\].*"msg-0003"/,
  ],
  [
    'with an unknown type',
    at(2, (m) => (m['message_type'] = 'job_sold')),
    'malformed',
    /messages\[2\]\.message_type is not a type/,
  ],
  ['with an unknown field', at(2, (m) => (m['note'] = 1)), 'malformed', /messages\[2\]\.note is not a field/],
  [
    'with a missing field',
    at(2, (m) => delete m['recipient_node_id']),
    'malformed',
    /messages\[2\]\.recipient_node_id is missing/,
  ],
  ['with a blank id', at(2, (m) => (m['message_id'] = ' ')), 'malformed', /message_id must not be blank/],
  ['with half a surrogate pair in an id', at(2, (m) => (m['message_id'] = 'a\ud800')), 'malformed', /half a surrogate/],
  [
    'with a payload that is a list',
    at(2, (m) => ((m as { payload: unknown }).payload = [])),
    'malformed',
    /payload must be an object/,
  ],
  [
    'with an assignment that lacks its type',
    at(2, (m) => delete m.payload['job_type']),
    'malformed',
    /messages\[2\]\.payload\.job_type is missing/,
  ],
  [
    'with an assignment to another node than it names',
    at(2, (m) => (m['recipient_node_id'] = 'c')),
    'malformed',
    /goes to another node/,
  ],
  [
    'with an assignment to a reserved name',
    at(2, (m) => (m['recipient_node_id'] = m.payload['node_id'] = 'local-ledger')),
    'malformed',
    /reserves/,
  ],
  ['with an assignment of another job', at(2, (m) => (m['correlation_id'] = '3')), 'malformed', /another job/],
  [
    'with a job assigned twice',
    at(6, (m) => (m['correlation_id'] = m.payload['job_id'] = '1')),
    'duplicate_id',
    /messages\[6\] assigns the job "1" again/,
  ],
  [
    'with a heartbeat in another name',
    at(0, (m) => (m['sender_node_id'] = 'c')),
    'malformed',
    /in the name of another node/,
  ],
  ['with a result about no job', at(3, (m) => (m['correlation_id'] = null)), 'malformed', /about no job/],
  [
    'with a result that says no output',
    at(3, (m) => delete m.payload['output']),
    'malformed',
    /payload\.output is missing/,
  ],
  [
    'with units that are a fraction',
    at(3, (m) => (m.payload['contribution_units'] = 1.5)),
    'malformed',
    /must be an integer/,
  ],
  [
    'with a validation before its result',
    changed((document) => swap(document, 3, 4)),
    'malformed',
    /comes after a message that names it/,
  ],
  [
    'with a validation that names itself',
    at(4, (m) => (m.payload['result_message_id'] = 'msg-0005')),
    'malformed',
    /names itself/,
  ],
  [
    'with a validation of another job',
    at(4, (m) => (m.payload['result_message_id'] = 'msg-0004') && (m['correlation_id'] = '3')),
    'malformed',
    /a message that is none of its job/,
  ],
  [
    'with a validation that names a heartbeat',
    at(4, (m) => (m.payload['assignment_message_id'] = 'msg-0001')),
    'malformed',
    /none of its job/,
  ],
  [
    'with more units than can be counted',
    changed((d) =>
      [4, 12].forEach((i) => (d.messages[i]!.payload['contribution_units_after_validation'] = Number.MAX_SAFE_INTEGER)),
    ),
    'malformed',
    /beyond what can be counted/,
  ],
  [
    'with too many messages',
    `{"version":1,"messages":[${'0,'.repeat(MAX_MESSAGES)}0]}`,
    'malformed',
    /more than 41000 messages/,
  ],
  ['of nested lists', '['.repeat(10_000), 'undecodable', /nesting deeper than 64/],
  [
    'with a payload nested beyond reason',
    changed((d) => (d.messages[2]!.payload['payload'] = {})).replace(
      '"payload":{}',
      `"payload":{"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
    ),
    'undecodable',
    /nesting deeper/,
  ],
])('a log %s is refused in one sentence', (_, text, code, sentence) => {
  const read = parseMessageLog(text);
  expect(read.ok ? 'read' : read.error.code).toBe(code);
  expect(read.ok ? '' : read.error.message).toMatch(sentence);
  expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
});

test('a chain of validations that name each other in a circle is refused, whatever their order', () => {
  const circle = changed((document) => {
    document.messages[4]!.payload['result_message_id'] = 'msg-0009';
    document.messages[8]!.payload['result_message_id'] = 'msg-0005';
  });
  expect(parseMessageLog(circle)).toMatchObject({ error: { code: 'malformed' } });
});
