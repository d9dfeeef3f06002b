import { beforeAll, describe, expect, test } from 'vitest';
import { createLogWriter, type LogWriter } from '#cli/economy/log-writer';
import {
  foundCommunity,
  openTestLedger,
  signerNamed,
  testVerify as verify,
  type TestCommunity,
} from '#tests/fakes/test-community';
import { base64 } from '../base/bytes';
import { cidOf, encodeCanonical } from '../base/canonical';
import type { Signer } from '../base/ports';
import { unwrap } from '../base/result';
import { defaultEconomyPolicy } from '../identity/economy-policy';
import { addSignature, sign } from '../wire/signed';
import { EMPTY_HEAD, equivocationOf, signEntry } from './chain';
import type { LedgerEvent } from './events';
import { renderLedgerFile, type LedgerFile } from './ledger-file';
import type { Receipt } from './receipts';
import { replayLedgerFile } from './replay';

const [founder, asker, witness] = ['founder', 'asker', 'witness'].map(signerNamed) as [Signer, Signer, Signer];

let community: TestCommunity;
let writer: LogWriter;
/** A grant that was claimed, and a reservation of more than there is, which is refused. */
let file: LedgerFile;
const reserve = (amountMicros: number): LedgerEvent => ({
  kind: 'reservation.made',
  purpose: 'bond',
  jobId: 'job-1',
  payee: founder.nodeId,
  offer: null,
  amountMicros,
  expiresAt: 1_000,
  idempotencyKey: `pay-${amountMicros}`,
  roster: null,
});

beforeAll(async () => {
  community = await foundCommunity({ ...defaultEconomyPolicy(founder.nodeId), witnesses: [witness.nodeId] });
  writer = createLogWriter(community.community, [witness]);
  const grant = await writer.write(founder, 0, {
    kind: 'credit.granted',
    to: asker.nodeId,
    amountMicros: 700,
    invite: null,
  });
  const heads = [...(await writer.headsOf(grant, 1))];
  await writer.write(asker, 2, { kind: 'credit.claimed', grant: grant.bytes, heads }, [grant.ref]);
  await writer.write(asker, 3, reserve(500));
  await writer.write(asker, 4, reserve(201));
  file = { manifest: community.manifest, logs: writer.logs, proofs: [] };
});

const replay = (change: Partial<LedgerFile> = {}) => replayLedgerFile(renderLedgerFile({ ...file, ...change }), verify);

describe('a replay', () => {
  test('comes to the balances, refusals and digest of the node that exported the logs', async () => {
    const told = unwrap(await replay());
    const accounts = new Map(told.accounts.map(({ account, ...balance }) => [account, balance]));
    expect(accounts.get(asker.nodeId)).toEqual({
      confirmedMicros: 0,
      pendingMicros: 0,
      reservedMicros: 500,
      limitMicros: 700,
      availableMicros: 200,
    });
    expect(told).toMatchObject({
      version: 2,
      community: { id: community.community.id, name: 'Test', founder: founder.nodeId },
      supplyMicros: 0,
      balanced: true,
      refusals: [{ author: asker.nodeId, seq: 2, rule: 'overdraft' }],
      forgers: [],
      digest: writer.state.digest(),
    });
    expect(told.logs.map(({ entries, counted, waitsFor }) => [entries, counted, waitsFor])).toEqual(
      told.logs.map(({ author }) => (author === asker.nodeId ? [3, 3, null] : [1, 1, null])),
    );

    const ledger = await openTestLedger(witness, { in: community });
    unwrap(await ledger.import(renderLedgerFile(file)));
    const exported = unwrap(await ledger.export());
    expect(unwrap(await replayLedgerFile(exported, verify))).toEqual(told);
    expect(ledger.state.digest()).toBe(told.digest);
  });

  test('says what a log waits for that is not there, and counts nothing behind it', async () => {
    const logs = file.logs.filter(({ author }) => author === asker.nodeId);
    const told = unwrap(await replay({ logs }));
    const [ref] = [writer.logs.find(({ author }) => author === founder.nodeId)!];
    expect(ref.entries).toHaveLength(1);
    expect(told.logs).toMatchObject([
      { author: asker.nodeId, entries: 3, counted: 0, waitsFor: { author: founder.nodeId, seq: 0 } },
    ]);
    expect(told.accounts.map(({ availableMicros }) => availableMicros)).toEqual([0]);
  });

  test('names a forger, and takes nothing of its log from where it forged', async () => {
    const own = file.logs.find(({ author }) => author === founder.nodeId)!.entries[0]!;
    const other = await signEntry(founder, EMPTY_HEAD, {
      community: community.community.id,
      event: { kind: 'contribution.decided', on: true },
      at: 0,
    });
    const known = await signEntry(founder, EMPTY_HEAD, {
      community: community.community.id,
      event: { kind: 'credit.granted', to: asker.nodeId, amountMicros: 700, invite: null },
      at: 0,
    });
    expect(known.bytes).toEqual(own);
    const proof = equivocationOf(
      { id: known.entry.id, bytes: known.bytes },
      { id: other.entry.id, bytes: other.bytes },
    );
    const told = unwrap(await replay({ proofs: [proof] }));
    expect(told.forgers).toEqual([{ author: founder.nodeId, seq: 0 }]);
    expect(told.logs.find(({ author }) => author === founder.nodeId)).toMatchObject({ entries: 1, counted: 0 });
    // What witnesses had certified before stands.
    expect(told.accounts.find(({ account }) => account === asker.nodeId)).toMatchObject({ limitMicros: 700 });
  });

  test('of a damaged file says whose entry and what is wrong, and comes to nothing', async () => {
    const [one, two] = file.logs;
    const flipped = Uint8Array.from(one!.entries[0]!);
    flipped[flipped.length - 1]! ^= 1;
    for (const [change, message] of [
      [{ logs: [{ author: one!.author, entries: [flipped] }, two!] }, /entry 0 of [0-9a-f]{64}: A signature/],
      [{ logs: [{ author: two!.author, entries: one!.entries }] }, /entry 0 of .*two nodes/],
      [
        { proofs: [equivocationOf({ id: 'a', bytes: one!.entries[0]! }, { id: 'b', bytes: one!.entries[0]! })] },
        /forgery/,
      ],
    ] as const) {
      const damaged = await replay(change);
      expect(damaged).toMatchObject({ ok: false, error: { code: 'ledger_damaged' } });
      expect(damaged.ok ? '' : damaged.error.message).toMatch(message);
    }
    expect(await replayLedgerFile('null', verify)).toMatchObject({ ok: false, error: { code: 'not_a_ledger' } });
  });

  test('of a file of before tells the units behind its receipts, and no credit', async () => {
    const [requester, executor, validator] = ['requester', 'executor', 'validator'].map(signerNamed) as [
      Signer,
      Signer,
      Signer,
    ];
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
      commitment: null,
      verdicts: [],
      verdict: 'accepted',
      check: 'redo',
      units: 3,
      tokens: null,
      at: 0,
    };
    const whole = await addSignature(validator, await addSignature(executor, await sign(requester, receipt)));
    const entry = await sign(requester, {
      type: 'ledger-entry',
      v: 1,
      author: requester.nodeId,
      seq: 0,
      prev: null,
      lamport: 1,
      at: 0,
      event: { kind: 'receipt.recorded', receipt: whole },
    } as never);
    const old = {
      format: 'tabmesh-ledger',
      v: 1,
      author: requester.nodeId,
      head: cidOf(entry.payload),
      entries: [base64(encodeCanonical(entry))],
    };
    expect(unwrap(await replayLedgerFile(JSON.stringify(old), verify))).toMatchObject({
      version: 1,
      community: null,
      accounts: [],
      units: [{ node: executor.nodeId, units: 3 }],
      digest: null,
    });
    expect(await replayLedgerFile(JSON.stringify({ ...old, head: null }), verify)).toMatchObject({
      error: { code: 'ledger_damaged' },
    });
  });
});
