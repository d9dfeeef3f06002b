import { expect, test } from 'vitest';
import { utf8 } from '#core/base/bytes';
import { sha256 } from '#core/base/canonical';
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
  const handler = createReceiptKeepHandler({ self: executor.nodeId, verify, ledger: () => ledger });
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
});
