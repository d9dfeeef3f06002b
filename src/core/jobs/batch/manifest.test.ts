import { expect, test } from 'vitest';
import { MAX_JOBS, MAX_MANIFEST_CHARACTERS, MAX_NODES, parseManifest, readManifest } from './manifest';

const job = { job_id: 'j', job_type: 'echo', payload: { message: 'm' } };
const manifest = (change: object) => JSON.stringify({ version: 1, nodes: ['a'], jobs: [job], ...change });

test('a node is a name or an object; it is available and can do everything unless it says otherwise', () => {
  const nodes = ['a', { node_id: 'b', status: 'offline', note: 'ignored' }, { node_id: 'c', capabilities: ['echo'] }];
  const read = parseManifest(manifest({ nodes }));
  expect(read.ok && read.value.nodes).toEqual([
    { node_id: 'a', status: 'available', capabilities: null },
    { node_id: 'b', status: 'offline', capabilities: null },
    { node_id: 'c', status: 'available', capabilities: ['echo'] },
  ]);
});

test('a job without a payload has an empty one', () => {
  const read = parseManifest(manifest({ jobs: [{ job_id: 'j', job_type: 'echo' }] }));
  expect(read.ok && read.value.jobs).toEqual([{ job_id: 'j', job_type: 'echo', payload: {} }]);
});

test('nodes and jobs keep their order', () => {
  const read = parseManifest(
    manifest({ nodes: ['z', 'a', '10', '9'], jobs: ['z', 'a', '1'].map((job_id) => ({ ...job, job_id })) }),
  );
  expect(read.ok && read.value.nodes.map((node) => node.node_id)).toEqual(['z', 'a', '10', '9']);
  expect(read.ok && read.value.jobs.map((entry) => entry.job_id)).toEqual(['z', 'a', '1']);
});

test.each([
  ['no JSON', '{', 'undecodable', /not valid JSON/],
  ['no object', '5', 'malformed', /^The manifest must be an object\.$/],
  ['another version', manifest({ version: 2 }), 'unknown_version', /has version 2/],
  ['a float version', '{"version":1.0,"nodes":["a"],"jobs":[]}', 'malformed', /version must be 1/],
  ['no nodes', manifest({ nodes: undefined }), 'malformed', /nodes is missing/],
  ['empty nodes', manifest({ nodes: [] }), 'malformed', /nodes must not be empty/],
  ['a node that is a number', manifest({ nodes: [1] }), 'malformed', /nodes\[0\] must be text or an object/],
  ['a node without an id', manifest({ nodes: ['a', {}] }), 'malformed', /nodes\[1\]\.node_id is missing/],
  ['a blank node', manifest({ nodes: [' '] }), 'malformed', /nodes\[0\] must not be blank/],
  ['a node of a reserved name', manifest({ nodes: ['local-ledger'] }), 'malformed', /reserves/],
  ['a long name', manifest({ nodes: ['x'.repeat(129)] }), 'malformed', /at most 128 characters/],
  [
    'half a surrogate pair in a name',
    manifest({ nodes: ['a\ud800'] }),
    'malformed',
    /nodes\[0\] must not hold half a surrogate pair/,
  ],
  [
    'another status',
    manifest({ nodes: [{ node_id: 'a', status: 'busy' }] }),
    'malformed',
    /status must be "available" or "offline"/,
  ],
  [
    'capabilities that are text',
    manifest({ nodes: [{ node_id: 'a', capabilities: 'echo' }] }),
    'malformed',
    /capabilities must be a list/,
  ],
  ['a capability twice', manifest({ nodes: [{ node_id: 'a', capabilities: ['echo', 'echo'] }] }), 'malformed', /twice/],
  ['a node twice', manifest({ nodes: ['a', { node_id: 'a' }] }), 'duplicate_id', /the node "a" twice/],
  [
    'too many nodes',
    manifest({ nodes: Array.from({ length: MAX_NODES + 1 }, (_, i) => `n${i}`) }),
    'malformed',
    /at most 1000/,
  ],
  ['empty jobs', manifest({ jobs: [] }), 'malformed', /jobs must not be empty/],
  ['a job that is text', manifest({ jobs: ['echo'] }), 'malformed', /jobs\[0\] must be an object/],
  ['a job without a type', manifest({ jobs: [{ job_id: 'j' }] }), 'malformed', /jobs\[0\]\.job_type is missing/],
  [
    'a job id that is a number',
    manifest({ jobs: [{ ...job, job_id: 1 }] }),
    'malformed',
    /jobs\[0\]\.job_id must be text/,
  ],
  ['a payload that is a list', manifest({ jobs: [{ ...job, payload: [] }] }), 'malformed', /payload must be an object/],
  ['a payload that is null', manifest({ jobs: [{ ...job, payload: null }] }), 'malformed', /payload must be an object/],
  ['a job twice', manifest({ jobs: [job, job] }), 'duplicate_id', /the job "j" twice/],
  [
    'too many jobs',
    manifest({ jobs: Array.from({ length: MAX_JOBS + 1 }, (_, i) => ({ ...job, job_id: `${i}` })) }),
    'malformed',
    /at most 10000/,
  ],
  ['a file too large', ' '.repeat(MAX_MANIFEST_CHARACTERS + 1), 'too_large', /larger than/],
])('a manifest with %s is refused in one sentence', (_, text, code, message) => {
  const read = parseManifest(text);
  expect(read.ok ? 'read' : read.error.code).toBe(code);
  expect(read.ok ? '' : read.error.message).toMatch(message);
  expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
});

test('a manifest that is already decoded is held to the same rules', () => {
  expect(readManifest({ version: 1, nodes: ['a'], jobs: [job] }).ok).toBe(true);
  expect(readManifest(null).ok).toBe(false);
});

test('a manifest without a version is of the first', () => {
  const read = parseManifest(JSON.stringify({ nodes: ['a'], jobs: [job] }));
  expect(read.ok && read.value.version).toBe(1);
});
