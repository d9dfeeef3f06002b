import { expect, test } from 'vitest';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import { fail, ok, unwrap } from '#core/base/result';
import { createExecutor, MAX_JOBS_HELD } from '#core/jobs/executor';
import { commitmentSchema, opensTo } from '#core/ledger/statements';
import { openSigned } from '#core/wire/signed';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createJobRunHandler } from './handler';

const verify = createVerify();
const requester = createSeedSigner(sha256(utf8('requester'))).nodeId;
const context = { caller: requester, local: false, callId: 'c', signal: new AbortController().signal, emit: () => {} };
const order = { jobId: 'job-1', traceId: 'trace-1', capability: 'echo@1' as const, input: { message: 'hi' } };

async function setUp(runService: Parameters<typeof createExecutor>[0]['runService']) {
  const signer = createSeedSigner(sha256(utf8('executor')));
  const clock = createVirtualClock();
  const ledger = await openTestLedger(signer, { clock });
  const executor = createExecutor({
    signer,
    ledger: () => ledger,
    clock,
    chance: createSeededChance(3),
    runService,
    onRunningChanged: () => {},
  });
  return { signer, ledger, executor, handler: createJobRunHandler(executor) };
}

test('a result comes with a commitment that opens to it, written down before it leaves', async () => {
  const { handler, signer, ledger, executor } = await setUp(async () => ok('hi'));
  const result = unwrap(await handler(order, context));
  const commitment = unwrap(await openSigned(commitmentSchema, result.commitment, verify, [signer.nodeId]));
  expect(opensTo(commitment, result.salt, order.input, 'hi')).toBe(true);
  expect(opensTo(commitment, result.salt, order.input, 'ho')).toBe(false);
  expect(commitment).toMatchObject({ requester, jobId: 'job-1', traceId: 'trace-1', capability: 'echo@1' });
  const entries = unwrap(await ledger.entriesOf(signer.nodeId, 0, 9));
  expect(entries.map((entry) => entry.event.kind)).toEqual(['work.committed']);
  expect(executor.finished(requester, 'job-1')?.output).toBe('hi');
});

test('a job that fails commits to nothing', async () => {
  const { handler, ledger, executor } = await setUp(async () => fail('bad_payload', 'The text is missing.'));
  expect(await handler(order, context)).toMatchObject({ error: { code: 'bad_payload' } });
  expect(ledger.head.length).toBe(0);
  expect(executor.running).toEqual([]);
});

test('the same job twice and more jobs than a node holds are refused', async () => {
  let release: () => void = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const { handler } = await setUp(async () => {
    await gate;
    return ok('done');
  });
  const running = Array.from({ length: MAX_JOBS_HELD }, (_, i) => handler({ ...order, jobId: `job-${i}` }, context));
  expect(await handler({ ...order, jobId: 'one-more' }, context)).toMatchObject({ error: { code: 'busy' } });
  expect(await handler({ ...order, jobId: 'job-0' }, context)).toMatchObject({ error: { code: 'duplicate_job' } });
  release();
  expect((await Promise.all(running)).every((result) => result.ok)).toBe(true);
});
