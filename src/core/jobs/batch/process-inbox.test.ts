import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonText } from '../../base/json-text';
import { unwrap, type Result } from '../../base/result';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { writtenMessages } from './artefacts';
import {
  appendOnce,
  EMPTY_CONTRIBUTION_LEDGER,
  renderContributionLedger,
  type ContributionLedger,
} from './contribution-ledger';
import { dispatchBatch } from './dispatch';
import { inboxesOf, parseInbox, renderNodeMessages, type NodeMessages } from './inboxes';
import type { BatchMessage } from './job-messages';
import { readManifest } from './manifest';
import { MAX_MESSAGES, parseMessageLog, renderMessages } from './message-log';
import { newNodeState, renderNodeState, type NodeState } from './node-state';
import { addToOutbox, collectOutboxes, parseOutbox, parseOutboxFile } from './outboxes';
import { outputLogOf } from './output-log';
import { processInbox } from './process-inbox';
import { renderPass } from './render-pass';
import { runBatch } from './run-batch';

const manifestOf = (texts: readonly unknown[], nodes = ['a', 'c']) =>
  unwrap(readManifest({ version: 1, nodes, jobs: texts.map((text, index) => shoutJob(String(index + 1), text)) }));
const manifest = manifestOf(['é', 'x', 5, 'abc']);
const dispatched = unwrap(dispatchBatch(manifest, shoutTypes)).messages;
const idsOf = (messages: readonly BatchMessage[]) => messages.map((message) => message.message_id);
const codeOf = (result: Result<unknown>) => (result.ok ? 'ok' : result.error.code);

/** Everything that a node's passes leave. */
interface Left {
  readonly state: NodeState;
  readonly ledger: ContributionLedger;
  readonly output: readonly BatchMessage[];
  readonly outbox: NodeMessages;
}
const nothing = (nodeId: string): Left => ({
  state: newNodeState(nodeId),
  ledger: EMPTY_CONTRIBUTION_LEDGER,
  output: [],
  outbox: { node_id: nodeId, messages: [] },
});
/** One pass over these messages, going on from what was left. */
function passOver(messages: readonly BatchMessage[], left: Left): Left {
  const pass = unwrap(processInbox(messages, left.state, shoutTypes));
  return {
    state: pass.state,
    ledger: unwrap(
      appendOnce(
        left.ledger,
        pass.processed.map((one) => one.record),
      ),
    ).ledger,
    output: unwrap(outputLogOf(messages, pass, left.output)),
    outbox: unwrap(addToOutbox(left.outbox, pass)),
  };
}
const written = (left: Left) => [
  renderNodeState(left.state),
  renderContributionLedger(left.ledger),
  renderMessages(left.output),
  renderNodeMessages(left.outbox),
];

test('a node does its own assignments, in order, and emits result, validation and contribution under the ids of each', () => {
  const pass = unwrap(processInbox(dispatched, newNodeState('a'), shoutTypes));
  expect(idsOf(pass.processed.map((one) => one.message))).toEqual(['msg-0003', 'msg-0005']);
  expect(idsOf(pass.ignored)).toEqual(['msg-0001', 'msg-0002', 'msg-0004', 'msg-0006']);
  expect(pass.processed.flatMap((one) => idsOf(one.emitted))).toEqual([
    'msg-0003.result',
    'msg-0003.validation',
    'msg-0003.contribution',
    'msg-0005.result',
    'msg-0005.validation',
    'msg-0005.contribution',
  ]);
  expect(pass.processed[0]!.emitted[1]!.payload).toMatchObject({
    assignment_message_id: 'msg-0003',
    result_message_id: 'msg-0003.result',
    valid: true,
    contribution_units_after_validation: 1,
  });
  expect(pass.processed[1]!.record).toMatchObject({
    job_id: '3',
    validation_reason: 'result_not_completed',
    contribution_units: 0,
  });
});

test('all nodes together say of the jobs what a run in one place says, but for the ids', () => {
  const run = writtenMessages(manifest, unwrap(runBatch(manifest, shoutTypes)), shoutTypes);
  const emitted = ['a', 'c'].flatMap((node) =>
    unwrap(processInbox(dispatched, newNodeState(node), shoutTypes)).processed.flatMap((one) => one.emitted),
  );
  const said = (messages: readonly BatchMessage[], type: string) =>
    messages
      .filter((message) => message.message_type === type)
      .map(({ correlation_id, payload: { assignment_message_id: _, result_message_id: __, ...payload } }) =>
        jsonText({ correlation_id, payload }),
      )
      .sort();
  for (const type of ['job_result_reported', 'job_validated', 'contribution_recorded']) {
    expect(said(emitted, type)).toEqual(said(run, type));
  }
});

test('an inbox and a whole log give a node the same work', () => {
  const inbox = unwrap(inboxesOf(dispatched)).find((one) => one.node_id === 'a')!;
  const read = unwrap(parseInbox(renderNodeMessages(inbox), 'a'));
  const [fromInbox, fromLog] = [read, dispatched].map((messages) => passOver(messages, nothing('a')));
  expect(renderNodeState(fromInbox!.state)).toBe(renderNodeState(fromLog!.state));
  expect(renderContributionLedger(fromInbox!.ledger)).toBe(renderContributionLedger(fromLog!.ledger));
  expect(idsOf(fromInbox!.output).slice(0, 2)).toEqual(['msg-0003', 'msg-0005']);
});

test('a replay skips what the state holds and leaves everything as it was', () => {
  const once = passOver(dispatched, nothing('a'));
  const again = unwrap(processInbox(dispatched, once.state, shoutTypes));
  expect([again.processed.length, idsOf(again.skipped)]).toEqual([0, ['msg-0003', 'msg-0005']]);
  expect(written(passOver(dispatched, once))).toEqual(written(once));
});

test('any cut of an inbox into passes leaves the same ledger, state, output and outbox', () => {
  const texts = fc.array(fc.oneof(fc.string({ maxLength: 6 }), fc.integer()), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(texts, fc.array(fc.nat(16), { maxLength: 5 }), (jobs, cuts) => {
      const { messages } = unwrap(dispatchBatch(manifestOf(jobs), shoutTypes));
      const once = passOver(messages, nothing('a'));
      let left = nothing('a');
      for (const cut of [...cuts].sort((x, y) => x - y)) left = passOver(messages.slice(0, cut), left);
      expect(written(passOver(messages, left))).toEqual(written(once));
    }),
    { numRuns: 60 },
  );
});

test('whichever of the files were written before a pass ended, the next one completes them as if nothing had happened', () => {
  const texts = fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(texts, fc.nat(10), fc.nat(3), (jobs, cut, renamed) => {
      const { messages } = unwrap(dispatchBatch(manifestOf(jobs), shoutTypes));
      const before = passOver(messages.slice(0, cut), nothing('a'));
      const after = passOver(messages, before);
      // In the order in which they are written: ledger, output, outbox, and the state only then.
      const died: Left = {
        ledger: renamed > 0 ? after.ledger : before.ledger,
        output: renamed > 1 ? after.output : before.output,
        outbox: renamed > 2 ? after.outbox : before.outbox,
        state: before.state,
      };
      expect(written(passOver(messages, died))).toEqual(written(after));
    }),
    { numRuns: 60 },
  );
});

test('a job of a type that nobody here knows is a visible failure that earns nothing', () => {
  const foreign = JSON.parse(renderMessages(dispatched).replaceAll('"shout"', '"paint"')) as {
    messages: BatchMessage[];
  };
  const pass = unwrap(processInbox(foreign.messages, newNodeState('a'), shoutTypes));
  expect(pass.processed[0]!.settled.judgement).toMatchObject({
    units: 0,
    validation: { reason: 'unsupported_job_type' },
  });
  expect(JSON.parse(renderPass(pass, shoutTypes, null))).toMatchObject({
    processed_count: 2,
    validation_summary: { valid: 0, invalid: 2, unsupported: 2 },
    ledger: null,
  });
});

test('a state of another log, work that was said before, and an id without room are refused as a whole', () => {
  const { state, output } = passOver(dispatched, nothing('a'));
  const other = unwrap(dispatchBatch(manifestOf(['other']), shoutTypes)).messages;
  expect(codeOf(processInbox(other, state, shoutTypes))).toBe('other_log');
  expect(codeOf(processInbox(output, newNodeState('a'), shoutTypes))).toBe('already_processed');
  expect(codeOf(processInbox(output, state, shoutTypes))).toBe('ok');
  const long = dispatched.map((message) => ({ ...message, message_id: message.message_id.padEnd(129, '0') }));
  expect(codeOf(processInbox(long, newNodeState('a'), shoutTypes))).toBe('malformed');
});

test('an output log of another input, a record and a message that say something else are refused', () => {
  const pass = unwrap(processInbox(dispatched, newNodeState('a'), shoutTypes));
  const c = passOver(dispatched, nothing('c'));
  expect(codeOf(outputLogOf(dispatched, pass, c.output))).toBe('other_log');
  const altered = dispatched.map((message) => ({ ...message, sender_node_id: 'x' }));
  expect(codeOf(outputLogOf(dispatched, pass, altered))).toBe('other_log');
  const records = pass.processed.map((one) => one.record);
  const lying = { ...EMPTY_CONTRIBUTION_LEDGER, records: [{ ...records[0]!, contribution_units: 9 }] };
  expect(codeOf(appendOnce(lying, records))).toBe('conflicting_record');
  const { outbox } = passOver(dispatched, nothing('a'));
  const forged = outbox.messages.map((message) => ({ ...message, payload: { ...message.payload, valid: false } }));
  expect(codeOf(addToOutbox({ ...outbox, messages: forged }, pass))).toBe('conflicting_message');
});

test('more messages than a log holds are not written: nobody would read them again', () => {
  const pass = unwrap(processInbox(dispatched, newNodeState('a'), shoutTypes));
  const [message] = dispatched;
  const full = Array.from({ length: MAX_MESSAGES }, (_, at) => ({ ...message!, message_id: `other-${at}` }));
  expect(codeOf(addToOutbox({ node_id: 'a', messages: full }, pass))).toBe('too_many_messages');
  expect(codeOf(outputLogOf([...full.slice(dispatched.length), ...dispatched], pass, []))).toBe('too_many_messages');
});

test('inboxes stand only for those who have messages, and hold only their own', () => {
  const inboxes = unwrap(
    inboxesOf(unwrap(dispatchBatch(manifestOf(['x'], ['idle-not', 'idle']), shoutTypes)).messages),
  );
  expect(inboxes.map((inbox) => inbox.node_id)).toEqual(['idle-not']);
  const [inbox] = inboxes;
  expect(codeOf(parseInbox(renderNodeMessages(inbox!), 'idle'))).toBe('wrong_node');
  expect(codeOf(parseInbox(renderNodeMessages({ ...inbox!, node_id: 'idle' }), 'idle'))).toBe('wrong_node');
  expect(
    codeOf(parseInbox(renderNodeMessages(inbox!).replace('"message_count": 1', '"message_count": 2'), 'idle-not')),
  ).toBe('malformed');
  expect(codeOf(parseInbox('{"version":2}', 'idle'))).toBe('unknown_version');
});

test('a log that is addressed to more nodes than a batch has is refused', () => {
  const [, , assigned] = dispatched;
  const many = Array.from({ length: 1_001 }, (_, index) => ({ ...assigned!, recipient_node_id: `n${index}` }));
  expect(codeOf(inboxesOf(many))).toBe('too_many_nodes');
});

test('outboxes hold results and validations, and are collected by node id, then as they stand', () => {
  const boxes = ['c', 'a'].map((node) => passOver(dispatched, nothing(node)).outbox);
  expect(idsOf(unwrap(collectOutboxes(boxes)))).toEqual([
    'msg-0003.result',
    'msg-0003.validation',
    'msg-0005.result',
    'msg-0005.validation',
    'msg-0004.result',
    'msg-0004.validation',
    'msg-0006.result',
    'msg-0006.validation',
  ]);
  expect(unwrap(parseMessageLog(renderMessages(unwrap(collectOutboxes(boxes)))))).toHaveLength(8);
  expect(unwrap(collectOutboxes([]))).toEqual([]);
  expect(codeOf(collectOutboxes([boxes[0]!, boxes[0]!]))).toBe('duplicate_id');
});

test("an outbox that is not its node's, or holds what no node sends, is refused", () => {
  const { outbox, output } = passOver(dispatched, nothing('a'));
  const text = renderNodeMessages(outbox);
  expect(jsonText(unwrap(parseOutboxFile(text, 'a.json')))).toBe(jsonText(outbox));
  expect(codeOf(parseOutboxFile(text, 'c.json'))).toBe('wrong_node');
  expect(codeOf(parseOutbox(text, 'c'))).toBe('wrong_node');
  expect(codeOf(parseOutbox(text.replace('"node_id": "a"', '"node_id": "c"'), 'c'))).toBe('wrong_node');
  expect(codeOf(parseOutbox(renderNodeMessages({ node_id: 'a', messages: output }), 'a'))).toBe('malformed');
  const validation = { ...outbox, messages: outbox.messages.slice(1, 2) };
  expect(codeOf(parseOutbox(renderNodeMessages({ ...validation, node_id: 'c' }), 'c'))).toBe('wrong_node');
});
