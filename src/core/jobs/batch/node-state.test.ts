import { expect, test } from 'vitest';
import { unwrap } from '../../base/result';
import { newNodeState, parseNodeState, renderNodeState } from './node-state';

const entry = (message_id: string) => ({ message_id, assignment_hash: 'ab'.repeat(32) });
const state = { node_id: 'a', processed: [entry('msg-0003'), entry('msg-0005')] };

test('a state reads back as it was written', () => {
  expect(unwrap(parseNodeState(renderNodeState(state), 'a'))).toEqual(state);
  expect(unwrap(parseNodeState(renderNodeState(newNodeState('a')), 'a'))).toEqual({ node_id: 'a', processed: [] });
});

test.each([
  ['cut off', renderNodeState(state).slice(0, 60), 'undecodable'],
  ['of another version', renderNodeState(state).replace('"version": 1', '"version": 2'), 'unknown_version'],
  ['of another node', renderNodeState({ ...state, node_id: 'b' }), 'wrong_node'],
  ['without a node', '{"version":1,"processed":[]}', 'malformed'],
  ['without a list', '{"version":1,"node_id":"a"}', 'malformed'],
  ['with an id twice', renderNodeState({ ...state, processed: [entry('x'), entry('x')] }), 'duplicate_id'],
  ['with a bare id', '{"version":1,"node_id":"a","processed":["msg-0003"]}', 'malformed'],
  ['with a hash that is none', renderNodeState(state).replace(/(ab)+/, 'AB'), 'malformed'],
  ['with more than it may have', renderNodeState(state).replace('"message_id"', '"and": 1, "message_id"'), 'malformed'],
])('a state %s is refused in one sentence', (_, text, code) => {
  const read = parseNodeState(text, 'a');
  expect(read.ok ? 'read' : read.error.code).toBe(code);
  expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
});
