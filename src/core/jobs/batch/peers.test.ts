import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { unwrap } from '../../base/result';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { dispatchBatch } from './dispatch';
import { heartbeatMessage, type NodeHeartbeat } from './job-messages';
import { readManifest } from './manifest';
import { parsePeers, peersOf, renderPeers, rosterOfPeers } from './peers';

const beat = (node_id: string, heartbeat_sequence: number, more: Partial<NodeHeartbeat> = {}) =>
  heartbeatMessage(`${node_id}-${heartbeat_sequence}`, {
    node_id,
    status: 'available',
    capabilities: ['shout'],
    heartbeat_sequence,
    heartbeat_count: heartbeat_sequence,
    ...more,
  });
const log = [beat('b', 1), beat('a', 1), beat('a', 3, { status: 'offline', capabilities: ['y', 'x'] }), beat('a', 2)];

test('of each node the heartbeat with the highest sequence counts, whatever the order', () => {
  const peers = unwrap(peersOf(log));
  expect(peers).toEqual([
    { node_id: 'a', status: 'offline', capabilities: ['x', 'y'], heartbeat_sequence: 3, heartbeat_count: 3 },
    { node_id: 'b', status: 'available', capabilities: ['shout'], heartbeat_sequence: 1, heartbeat_count: 1 },
  ]);
  fc.assert(
    fc.property(fc.shuffledSubarray(log, { minLength: log.length }), (shuffled) => {
      expect(renderPeers(unwrap(peersOf(shuffled)))).toBe(renderPeers(peers));
    }),
  );
});

test('a summary counts peers and heartbeats, and reads back as it was written', () => {
  const peers = unwrap(peersOf(log));
  expect(JSON.parse(renderPeers(peers))).toMatchObject({
    version: 1,
    totals: { peers: 2, available: 1, offline: 1, heartbeats: 4 },
  });
  expect(unwrap(parsePeers(renderPeers(peers)))).toEqual(peers);
  expect(parsePeers(renderPeers(peers).replace('"offline"', '"asleep"')).ok).toBe(false);
});

test('other messages, and a log without heartbeats, name no peer', () => {
  expect(unwrap(peersOf([]))).toEqual([]);
  const manifest = unwrap(readManifest({ nodes: ['a'], jobs: [shoutJob('1')] }));
  const { messages } = unwrap(dispatchBatch(manifest, shoutTypes));
  expect(unwrap(peersOf(messages)).map((peer) => peer.node_id)).toEqual(['a']);
});

test('a node that says nothing of what it can do offers nothing', () => {
  const { payload, ...silent } = beat('a', 1);
  const { capabilities: _, ...less } = payload;
  expect(unwrap(peersOf([{ ...silent, payload: less }]))[0]!.capabilities).toEqual([]);
});

test('two heartbeats with one sequence that differ are refused, the same one twice is not', () => {
  expect(peersOf([...log, beat('b', 1, { status: 'offline' })])).toMatchObject({
    error: { code: 'conflicting_heartbeats' },
  });
  expect(unwrap(peersOf([...log, beat('b', 1)]))[1]).toMatchObject({ heartbeat_count: 2 });
});

test('more nodes than a batch may have are refused', () => {
  const many = Array.from({ length: 1_001 }, (_, index) => beat(`n${index}`, 1));
  expect(peersOf(many)).toMatchObject({ error: { code: 'too_many_nodes' } });
});

test('as a roster, jobs go only to peers that are available and offer them', () => {
  const nodes = rosterOfPeers(unwrap(peersOf([...log, beat('c', 1, { capabilities: ['other'] })])));
  const manifest = unwrap(readManifest({ nodes: ['x'], jobs: [shoutJob('1'), shoutJob('2')] }));
  const { assignments } = unwrap(dispatchBatch({ ...manifest, nodes }, shoutTypes));
  expect(assignments.map((assignment) => assignment.node_id)).toEqual(['b', 'b']);
});
