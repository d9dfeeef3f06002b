import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { base64, fromBase64 } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import { unwrap, type Result } from '#core/base/result';
import { runFlow, type Flow } from '#core/jobs/batch/flow';
import { flowSeed } from '#core/jobs/batch/flow-receipts';
import { readManifest } from '#core/jobs/batch/manifest';
import { EMPTY_HEAD, signEntry } from '#core/ledger/chain';
import type { LedgerEvent } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import { renderLedgerFile } from '#core/ledger/ledger-file';
import { replayLedgerFile } from '#core/ledger/replay';
import { addSignature, idOfSigned, sign, type Signed } from '#core/wire/signed';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import { createReceiptKeepHandler } from '#services/receipt-keep/handler';
import { createReceiptSignHandler } from '#services/receipt-sign/handler';
import { foundCommunity, openTestLedger, signerNamed, testVerify as verify } from '#tests/fakes/test-community';

/** What a flow signs has good signatures of keys that anybody can make: a ledger of the mesh takes none of it, and says why. */

let flow: Flow;
let ledger: Ledger;
beforeAll(async () => {
  const file = new URL('../vectors/flows.json', import.meta.url);
  const [{ manifest }] = JSON.parse(readFileSync(file, 'utf8')) as [{ manifest: unknown }];
  const plan = { transport: true, peers: null };
  const deps = { jobTypes: deterministicJobTypes, createSigner: createSeedSigner };
  flow = unwrap(await runFlow(unwrap(readManifest(manifest)), plan, deps));
  ledger = await openTestLedger(signerNamed('member'));
});

/** Of a node of the flow: the key that follows from the manifest, and what it signed with it. */
function ofFlow(): { readonly signer: ReturnType<typeof createSeedSigner>; readonly signed: Signed } {
  const { body, signatures } = flow.receipts[0]!;
  const signer = createSeedSigner(flowSeed(flow.manifestHash, body.node_id));
  const [{ key_id: keyId, signature }] = signatures as [(typeof signatures)[0]];
  expect(keyId).toBe(signer.nodeId);
  return {
    signer,
    signed: {
      payload: encodeCanonical(body),
      signatures: [{ keyId: signer.nodeId, signature: fromBase64(signature)! }],
    },
  };
}

/** A receipt of the mesh as good as any, but for the mark. */
async function marked(): Promise<Signed> {
  const [requester, executor, validator] = ['requester', 'executor', 'validator'].map(signerNamed);
  const body = {
    type: 'receipt',
    v: 1,
    jobId: 'job-1',
    traceId: 'trace-1',
    capability: 'echo@1',
    requester: requester!.nodeId,
    executor: executor!.nodeId,
    validators: [validator!.nodeId],
    model: null,
    commitment: null,
    verdicts: [],
    verdict: 'accepted',
    check: 'redo',
    units: 1,
    tokens: null,
    at: 5,
    simulated: true,
  };
  return addSignature(validator!, await addSignature(executor!, await sign(requester!, body)));
}

/** One refusal by name, and everything as it was. */
async function refuses(what: () => Promise<Result<unknown>>, code = 'simulated'): Promise<void> {
  const before = [ledger.heads(), ledger.head.length, ledger.state.digest()];
  expect(await what()).toMatchObject({ ok: false, error: { code, message: expect.stringMatching(/^[A-Z][^\n]*\.$/) } });
  expect([ledger.heads(), ledger.head.length, ledger.state.digest()]).toEqual(before);
}

describe('a ledger of the mesh', () => {
  test('imports no file of a flow: those that say so are refused as simulated, the others as no ledger', async () => {
    const simulated = [...flow.files].filter(([, text]) => text.includes('"simulated": true')).map(([path]) => path);
    expect(simulated).toEqual(expect.arrayContaining(['ledger.json', 'receipts.json', 'hashes.json']));
    for (const [path, text] of flow.files) {
      const code = simulated.includes(path) ? 'simulated' : 'not_a_ledger';
      await refuses(() => ledger.import(text), code);
      expect(await replayLedgerFile(text, verify)).toMatchObject({ error: { code } });
    }
  });

  test('records, receives and imports no receipt of a flow, nor one of its own kind that bears the mark', async () => {
    const { community, manifest } = await foundCommunity();
    const { signer, signed } = ofFlow();
    // It is not the signature that is wrong.
    expect(await verify(signer.nodeId, signed.payload, signed.signatures[0]!.signature)).toBe(true);
    for (const receipt of [signed, await marked()]) {
      const event: LedgerEvent = { kind: 'receipt.recorded', receipt };
      const { bytes } = await signEntry(signer, EMPTY_HEAD, { community: community.id, event, at: 0 });
      const logs = [{ author: signer.nodeId, entries: [bytes] }];
      const file = renderLedgerFile({ manifest, logs, proofs: [] });
      await refuses(() => ledger.append(event));
      await refuses(() => ledger.receive(signer.nodeId, 0, [bytes]));
      await refuses(() => ledger.import(file));
      expect(await replayLedgerFile(file, verify)).toMatchObject({ error: { code: 'simulated' } });
    }
  });

  test('takes no entry that itself bears the mark', async () => {
    const { community } = await foundCommunity();
    const { signer } = ofFlow();
    const entry = await sign(signer, {
      type: 'ledger-entry',
      v: 2,
      community: community.id,
      author: signer.nodeId,
      seq: 0,
      prev: null,
      lamport: 1,
      at: 0,
      refs: [],
      event: { kind: 'contribution.decided', on: true },
      simulated: true,
    } as never);
    await refuses(() => ledger.receive(signer.nodeId, 0, [encodeCanonical(entry)]));
  });

  test('takes none out of a log of earlier versions', async () => {
    const { signer, signed } = ofFlow();
    const entry = await sign(signer, {
      type: 'ledger-entry',
      v: 1,
      author: signer.nodeId,
      seq: 0,
      prev: null,
      lamport: 1,
      at: 0,
      event: { kind: 'receipt.recorded', receipt: signed },
    } as never);
    const file = JSON.stringify({
      format: 'tabmesh-ledger',
      v: 1,
      author: signer.nodeId,
      head: idOfSigned(entry),
      entries: [base64(encodeCanonical(entry))],
    });
    await refuses(() => ledger.import(file));
    expect(await replayLedgerFile(file, verify)).toMatchObject({ error: { code: 'simulated' } });
  });

  test('keeps and countersigns none that another node hands over', async () => {
    const { signer, signed } = ofFlow();
    const self = signerNamed('member');
    const context = {
      caller: signer.nodeId,
      local: false,
      callId: 'c',
      signal: new AbortController().signal,
      emit: () => {},
    };
    const keep = createReceiptKeepHandler({ self: self.nodeId, verify, ledger: () => ledger, onRejected: expect.fail });
    const countersign = createReceiptSignHandler({
      signer: self,
      verify,
      ledger: () => ledger,
      finishedJob: expect.fail,
      unitsOf: () => expect.fail(),
      givenVerdict: expect.fail,
    });
    for (const receipt of [signed, await marked()]) {
      await refuses(async () => keep({ receipt }, context));
      await refuses(async () => countersign({ receipt }, context));
    }
  });
});
