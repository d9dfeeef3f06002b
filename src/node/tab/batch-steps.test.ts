import { expect, test } from 'vitest';
import { createVerify } from '#adapters/verify-webcrypto';
import { createSeedSigner } from '#adapters/signer-seed';
import { unwrap } from '#core/base/result';
import { createBatchLab } from './batch-lab';

const { steps } = createBatchLab({
  clock: { now: () => 0, monotonicMs: () => 0, after: () => () => {}, every: () => () => {} },
  verify: createVerify(),
  loadSeedSigner: async () => createSeedSigner,
});
const none = new Map<string, string>();
const given = async (
  jobs: readonly object[],
  files: ReadonlyMap<string, string> = none,
  nodes: readonly string[] = ['a'],
) =>
  unwrap(await steps.materialise(unwrap(steps.dispatch(files, JSON.stringify({ nodes, jobs }))).folder.files)).folder;
const echo = (payload: object = { message: 'm' }) => [{ job_id: '1', job_type: 'echo', payload }];

test('units beyond what can be counted are refused, and the ledger stays one that is read', async () => {
  const ledger = JSON.stringify({
    version: 1,
    records: [{ node_id: 'z', job_id: 'j', status: 'completed', contribution_units: Number.MAX_SAFE_INTEGER }],
  });
  const { files } = await given(echo(), unwrap(steps.importLedger(none, ledger)).folder.files);
  expect(await steps.process(files, ['a'])).toMatchObject({
    error: { code: 'too_many_units', message: expect.stringMatching(/^ledger\.json: /) },
  });
});

test('what a step writes is read by the next, however deep a payload nests', async () => {
  let written = 0;
  for (let depth = 50; depth < 64; depth++) {
    let payload: object = { message: 'm' };
    for (let at = 0; at < depth; at++) payload = { message: 'm', payload };
    const dispatched = steps.dispatch(none, JSON.stringify({ nodes: ['a'], jobs: echo(payload) }));
    if (!dispatched.ok) continue;
    written++;
    const made = await steps.materialise(dispatched.value.folder.files);
    expect({ depth, made: made.ok || made.error }).toEqual({ depth, made: true });
    if (!made.ok) return;
    const worked = await steps.process(made.value.folder.files, ['a']);
    expect({ depth, worked: worked.ok || worked.error }).toEqual({ depth, worked: true });
    if (!worked.ok) return;
    const collected = await steps.collect(worked.value.folder.files);
    expect({ depth, collected: collected.ok || collected.error }).toEqual({ depth, collected: true });
    const again = await steps.process(worked.value.folder.files, ['a']);
    expect({ depth, again: again.ok || again.error }).toEqual({ depth, again: true });
  }
  expect(written).toBe(10);
});

test('names of nodes of every kind lead to files of their own', async () => {
  const nodes = [
    '__proto__',
    'constructor',
    '..',
    '../x',
    '/',
    'a/b',
    'CON',
    'con',
    '.hidden',
    'é',
    'e\u0301',
    '%2F',
    'toString',
  ];
  const jobs = nodes.map((_, at) => ({ job_id: `j${at}`, job_type: 'echo', payload: { message: 'm' } }));
  const folder = await given(jobs, none, nodes);
  expect(new Set(folder.nodes)).toEqual(new Set(nodes));
  const all = unwrap(await steps.process(folder.files, folder.nodes));
  expect(all).toMatchObject({ done: nodes.length, valid: nodes.length });
  expect(unwrap(await steps.collect(all.folder.files))).toMatchObject({ outboxes: nodes.length });
  const opened = unwrap(steps.open(all.folder.files)).folder;
  expect([...opened.files]).toEqual([...all.folder.files]);
  expect(opened.fault).toBeNull();
  expect([...all.folder.files.keys()].every((path) => !path.split('/').includes('..'))).toBe(true);
});

test('ids of jobs that objects have words of their own for are ids like any other', async () => {
  const words = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const jobs = words.map((word) => ({ job_id: word, job_type: 'echo', payload: { message: word } }));
  const folder = await given(jobs);
  const all = unwrap(await steps.process(folder.files, ['a']));
  expect(all).toMatchObject({ done: 4, valid: 4 });
});
