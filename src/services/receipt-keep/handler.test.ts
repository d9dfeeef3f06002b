import { expect, test } from 'vitest';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
import type { Signer } from '#core/base/ports';
import { unwrap } from '#core/base/result';
import type { Receipt } from '#core/ledger/receipts';
import { addSignature, sign } from '#core/wire/signed';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { openTestLedger } from '#tests/fakes/test-community';
import { createReceiptKeepHandler } from './handler';

test('a finished receipt is kept once, and only by a node that had signed it', async () => {
  const verify = createVerify();
  const signerOf = (name: string) => createSeedSigner(sha256(utf8(name)));
  const [requester, executor] = [signerOf('requester'), signerOf('executor')];
  const ledger = await openTestLedger(executor);
  const rejected: string[] = [];
  const handler = createReceiptKeepHandler({
    self: executor.nodeId,
    verify,
    ledger: () => ledger,
    onRejected: (modelHash) => rejected.push(modelHash),
  });
  const context = {
    caller: requester.nodeId,
    local: false,
    callId: 'c',
    signal: new AbortController().signal,
    emit: () => {},
  };
  const receipt: Receipt = {
    type: 'receipt',
    v: 1,
    jobId: 'job-1',
    traceId: 'trace-1',
    capability: 'echo@1',
    requester: requester.nodeId,
    executor: executor.nodeId,
    validators: [signerOf('validator').nodeId],
    model: null,
    commitment: null,
    verdicts: [],
    verdict: 'accepted',
    check: 'redo',
    units: 1,
    tokens: null,
    at: 5,
  };
  const own = await addSignature(executor, await sign(requester, receipt));
  const whole = await addSignature(signerOf('validator'), own);
  expect(await handler({ receipt: whole }, context)).toMatchObject({ error: { code: 'not_your_receipt' } });
  expect(ledger.head.length).toBe(0);
  unwrap(await ledger.append({ kind: 'receipt.recorded', receipt: own }));
  expect(await handler({ receipt: whole }, { ...context, caller: executor.nodeId })).toMatchObject({
    error: { code: 'not_your_receipt' },
  });
  expect(await handler({ receipt: whole }, context)).toEqual({ ok: true, value: { kept: true } });
  expect(await handler({ receipt: whole }, context)).toEqual({ ok: true, value: { kept: false } });
  expect(ledger.state.unitsByNode.get(executor.nodeId)).toBe(1);
  expect(rejected).toEqual([]);
});

test('a rejection of this node’s work with a model is told once, and only with a validator behind it', async () => {
  const verify = createVerify();
  const signerOf = (name: string) => createSeedSigner(sha256(utf8(name)));
  const [requester, executor, validator] = [signerOf('requester'), signerOf('executor'), signerOf('validator')];
  const rejectedBy = async (jobId: string, validators: readonly Signer[], self: Signer) => {
    const ledger = await openTestLedger(self);
    const told: string[] = [];
    const handler = createReceiptKeepHandler({
      self: self.nodeId,
      verify,
      ledger: () => ledger,
      onRejected: (modelHash) => told.push(modelHash),
    });
    const receipt: Receipt = {
      type: 'receipt',
      v: 1,
      jobId,
      traceId: 'trace-1',
      capability: 'llm.chat@1',
      requester: requester.nodeId,
      executor: executor.nodeId,
      validators: [validator.nodeId],
      model: { id: 'spark-1', hash: 'a'.repeat(64) },
      commitment: null,
      verdicts: [],
      verdict: 'rejected',
      check: 'rescore',
      units: 0,
      tokens: null,
      at: 5,
    };
    const own = await addSignature(self, await sign(requester, receipt));
    unwrap(await ledger.append({ kind: 'receipt.recorded', receipt: own }));
    let whole = own;
    for (const one of validators) whole = await addSignature(one, whole);
    const context = {
      caller: requester.nodeId,
      local: false,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    for (let time = 0; time < 2; time++) unwrap(await handler({ receipt: whole }, context));
    return told;
  };
  expect(await rejectedBy('job-1', [validator], executor)).toEqual(['a'.repeat(64)]);
  // The requester's word alone is nobody's finding, and what another node computed is no doubt about this one.
  expect(await rejectedBy('job-2', [], executor)).toEqual([]);
  expect(await rejectedBy('job-3', [executor], validator)).toEqual([]);
});
