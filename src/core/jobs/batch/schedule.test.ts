import { expect, test } from 'vitest';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import type { BatchManifest, BatchNode } from './manifest';
import { scheduleBatch } from './schedule';

const node = (node_id: string, change: Partial<BatchNode> = {}): BatchNode => ({
  node_id,
  status: 'available',
  capabilities: null,
  ...change,
});
const batch = (nodes: readonly BatchNode[], jobs: BatchManifest['jobs']): BatchManifest => ({
  version: 1,
  nodes,
  jobs,
});
const three = ['1', '2', '3'].map((id) => shoutJob(id));

test('each job goes to the node with the fewest jobs, ties by manifest order', () => {
  const scheduled = scheduleBatch(batch([node('z'), node('a')], three), shoutTypes);
  expect(scheduled.ok && scheduled.value.map(({ node_id }) => node_id)).toEqual(['z', 'a', 'z']);
});

test('offline and incapable nodes get no work', () => {
  const nodes = [
    node('off', { status: 'offline' }),
    node('other', { capabilities: ['echo'] }),
    node('can', { capabilities: ['shout'] }),
  ];
  const scheduled = scheduleBatch(batch(nodes, three), shoutTypes);
  expect(scheduled.ok && scheduled.value.map(({ node_id }) => node_id)).toEqual(['can', 'can', 'can']);
});

test('a job that no available node can take refuses the whole batch, by id and type', () => {
  const refused = scheduleBatch(batch([node('off', { status: 'offline' })], three), shoutTypes);
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'no_capable_node', message: expect.stringMatching(/"1".*"shout"/) },
  });
});

test('an unknown job type refuses the whole batch, also when a node claims it', () => {
  const jobs = [...three, { job_id: 'p', job_type: 'paint', payload: {} }];
  const refused = scheduleBatch(batch([node('a', { capabilities: ['shout', 'paint'] })], jobs), shoutTypes);
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'unknown_job_type', message: expect.stringMatching(/"p".*"paint"/) },
  });
});
