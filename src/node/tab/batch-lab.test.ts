import { expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import type { Clock } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import { createBatchLab } from './batch-lab';

/** A clock on which everything takes long, so that the page gets its turn after every step. */
const slowClock = (): Clock => {
  let ms = 0;
  return {
    now: () => ms,
    monotonicMs: () => (ms += 20),
    after: (_, run) => {
      queueMicrotask(run);
      return () => {};
    },
    every: () => () => {},
  };
};
const lab = createBatchLab({
  clock: slowClock(),
  verify: createVerify(),
  loadSeedSigner: async () => createSeedSigner,
});
const manifest = JSON.stringify({
  nodes: ['a', 'b'],
  jobs: [
    { job_id: '1', job_type: 'echo', payload: { message: 'm' } },
    { job_id: '2', job_type: 'echo', payload: {} },
  ],
});
const plan = { transport: false, peerLog: null };

test('a flow tells how far it is, is audited to the same files, and its results are shown with their verdicts', async () => {
  const run = lab.runFlow(manifest, plan);
  const steps: string[] = [];
  for await (const { done, total } of run.progress) steps.push(`${done}/${total}`);
  expect(steps.length).toBeGreaterThan(1);
  expect(steps).toEqual([...steps].sort());
  expect(steps.at(-1)).toBe('4/4');
  const files = unwrap(await run.outcome);
  const view = unwrap(await lab.auditFlow(files).outcome);
  expect(view.files).toBe(files);
  expect(view.listed.map((file) => file.path)).toContain('hashes.json');
  expect(view.results).toEqual([
    { jobId: '1', node: 'a', valid: true, reason: 'ok', units: 1 },
    { jobId: '2', node: 'b', valid: false, reason: 'missing_payload_message', units: 0 },
  ]);
  expect(view).toMatchObject({ transport: false, peerDerived: false, checked: { signatures: 2 }, totals: { jobs: 2 } });
});

test('a flow that is stopped leaves nothing, and its progress ends', async () => {
  const run = lab.runFlow(manifest, plan);
  for await (const { done } of run.progress) if (done === 2) run.cancel();
  expect(await run.outcome).toMatchObject({ error: { code: 'cancelled' } });
  const files = unwrap(await lab.runFlow(manifest, plan).outcome);
  const audit = lab.auditFlow(files);
  audit.cancel();
  expect(await audit.outcome).toMatchObject({ error: { code: 'cancelled' } });
});

test('what was opened and cannot be read is told with which of the files it was', async () => {
  expect(await lab.runFlow('{', plan).outcome).toMatchObject({ error: { code: 'undecodable' } });
  const peers = lab.runFlow(manifest, { transport: true, peerLog: '{"version":1}' });
  expect(await peers.outcome).toMatchObject({ error: { message: expect.stringMatching(/^The log of the roster: /) } });
  expect(lab.validateResults('[]', '[]')).toMatchObject({
    error: { message: expect.stringMatching(/^The log of the assignments: /) },
  });
  expect(lab.summarisePeers('{"version":3}')).toMatchObject({ error: { code: 'unknown_version' } });
});
