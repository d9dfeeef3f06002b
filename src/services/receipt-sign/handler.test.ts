import { beforeEach, expect, test } from 'vitest';
import { utf8 } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { FinishedJob } from '#core/jobs/executor';
import type { Ledger } from '#core/ledger/ledger';
import type { Receipt } from '#core/ledger/receipts';
import { addSignature, sign } from '#core/wire/signed';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { openTestLedger } from '#tests/fakes/test-community';
import { createReceiptSignHandler } from './handler';

const verify = createVerify();
const [requester, executor, validator] = ['requester', 'executor', 'validator'].map((name) =>
  createSeedSigner(sha256(utf8(name))),
) as [ReturnType<typeof createSeedSigner>, ReturnType<typeof createSeedSigner>, ReturnType<typeof createSeedSigner>];
const commitmentId = cidOf(encodeCanonical('commitment'));
const verdictId = cidOf(encodeCanonical('verdict'));
const job = {
  commitment: { traceId: 'trace-1', capability: 'text_stats@1' },
  commitmentId,
  input: {},
  output: {},
} as unknown as FinishedJob;
const receipt: Receipt = {
  type: 'receipt',
  v: 1,
  jobId: 'job-1',
  traceId: 'trace-1',
  capability: 'text_stats@1',
  requester: requester.nodeId,
  executor: executor.nodeId,
  validators: [validator.nodeId],
  model: null,
  commitment: commitmentId,
  verdicts: [verdictId],
  verdict: 'accepted',
  check: 'redo',
  units: 2,
  tokens: null,
  at: 5,
};
const context = {
  caller: requester.nodeId,
  local: false,
  callId: 'c',
  signal: new AbortController().signal,
  emit: () => {},
};

let ledger: Ledger;
const handlerOf = (self: typeof executor) =>
  createReceiptSignHandler({
    signer: self,
    verify,
    ledger: () => ledger,
    finishedJob: (from, jobId) => (from === requester.nodeId && jobId === 'job-1' ? job : null),
    givenVerdict: (from, jobId) =>
      from === requester.nodeId && jobId === 'job-1'
        ? { id: verdictId, verdict: 'accepted', commitment: commitmentId }
        : null,
    unitsOf: () => 2,
  });

beforeEach(async () => {
  ledger = await openTestLedger(executor);
});

test('the executor signs what it did, after writing it down', async () => {
  const signed = await sign(requester, receipt);
  const answer = unwrap(await handlerOf(executor)({ receipt: signed }, context));
  expect(answer.signature.keyId).toBe(executor.nodeId);
  expect(await verify(executor.nodeId, signed.payload, answer.signature.signature)).toBe(true);
  expect(ledger.head.length).toBe(1);
});

test.each([
  ['more units than the work is worth', { units: 3 }, 'unexpected_contribution_units'],
  ['another commitment', { commitment: verdictId }, 'commitment_mismatch'],
  ['a job that was never done here', { jobId: 'job-2' }, 'unknown_job'],
  ['another trace', { traceId: 'trace-2' }, 'job_mismatch'],
] as const)('the executor refuses %s', async (_name, change, code) => {
  const signed = await sign(requester, { ...receipt, ...change });
  expect(await handlerOf(executor)({ receipt: signed }, context)).toMatchObject({ ok: false, error: { code } });
  expect(ledger.head.length).toBe(0);
});

test('a validator signs only a receipt that carries its own verdict', async () => {
  const good = await handlerOf(validator)({ receipt: await sign(requester, receipt) }, context);
  expect(good.ok).toBe(true);
  const bare: Receipt = { ...receipt, verdicts: [] };
  const without = await sign(requester, bare);
  expect(await handlerOf(validator)({ receipt: without }, context)).toMatchObject({
    error: { code: 'verdict_mismatch' },
  });
});

test('a receipt that the caller did not sign, or that names this node nowhere, is refused', async () => {
  const byOther = await sign(executor, receipt);
  expect(await handlerOf(executor)({ receipt: byOther }, context)).toMatchObject({
    error: { code: 'not_your_receipt' },
  });
  const forwarded = await addSignature(validator, await sign(requester, receipt));
  expect(await handlerOf(executor)({ receipt: forwarded }, { ...context, caller: validator.nodeId })).toMatchObject({
    error: { code: 'not_your_receipt' },
  });
  const stranger = createSeedSigner(sha256(utf8('stranger')));
  expect(await handlerOf(stranger)({ receipt: await sign(requester, receipt) }, context)).toMatchObject({
    error: { code: 'not_named' },
  });
});
