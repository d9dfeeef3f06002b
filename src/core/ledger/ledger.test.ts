import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../base/bytes';
import { cidOf, encodeCanonical, sha256 } from '../base/canonical';
import type { Signer } from '../base/ports';
import { fail, unwrap } from '../base/result';
import type { EventLogStore } from '../storage/ports';
import { addSignature, sign, type Signed } from '../wire/signed';
import { createSeedSigner } from '#adapters/signer-seed';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createVerify } from '#adapters/verify-noble';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { openLedger } from './ledger';
import { openReceipt, type Receipt } from './receipts';
import { createLedgerFold } from './state';

const verify = createVerify();
const clock = createVirtualClock();
const signerOf = (name: string): Signer => createSeedSigner(sha256(utf8(name)));
const requester = signerOf('requester');
const executor = signerOf('executor');
const validator = signerOf('validator');
const stranger = signerOf('stranger');
const someCid = cidOf(encodeCanonical({ some: 'statement' }));

const receiptWith = (change: Partial<Receipt> = {}): Receipt => ({
  type: 'receipt',
  v: 1,
  jobId: 'job-1',
  traceId: 'trace-1',
  capability: 'text_stats@1',
  requester: requester.nodeId,
  executor: executor.nodeId,
  validators: [validator.nodeId],
  model: null,
  commitment: someCid,
  verdicts: [someCid],
  verdict: 'accepted',
  check: 'redo',
  units: 3,
  tokens: null,
  at: 1_000,
  ...change,
});

async function signedBy(receipt: Receipt, ...signers: Signer[]): Promise<Signed> {
  let signed = await sign(signers[0]!, receipt);
  for (const signer of signers.slice(1)) signed = await addSignature(signer, signed);
  return signed;
}

const ledgerOver = async (store: EventLogStore) => openLedger({ store, signer: requester, verify, clock });

test('units count once, and only when both sides and a validator signed an accepted receipt', async () => {
  const ledger = unwrap(await ledgerOver((await openMemoryStorage()).log));
  const units = () => ledger.state.unitsByNode.get(executor.nodeId);
  unwrap(await ledger.append({ kind: 'receipt.recorded', receipt: await signedBy(receiptWith(), requester) }));
  expect(units()).toBeUndefined();
  unwrap(
    await ledger.append({ kind: 'receipt.recorded', receipt: await signedBy(receiptWith(), requester, executor) }),
  );
  expect(units()).toBeUndefined();
  const whole = await signedBy(receiptWith(), requester, executor, validator);
  unwrap(await ledger.append({ kind: 'receipt.recorded', receipt: whole }));
  expect(units()).toBe(3);
  unwrap(await ledger.append({ kind: 'receipt.recorded', receipt: whole }));
  expect(units()).toBe(3);
  // A second receipt for the same work adds nothing, whatever it claims.
  unwrap(
    await ledger.append({
      kind: 'receipt.recorded',
      receipt: await signedBy(receiptWith({ units: 6 }), requester, executor, validator),
    }),
  );
  expect([3, 6]).toContain(units());
});

test('a receipt with a broken signature, a foreign signer or units without acceptance is refused and changes nothing', async () => {
  const ledger = unwrap(await ledgerOver((await openMemoryStorage()).log));
  const good = await signedBy(receiptWith(), requester, executor);
  const forged: Signed = {
    ...good,
    signatures: [good.signatures[0]!, { ...good.signatures[1]!, signature: new Uint8Array(64) }],
  };
  for (const receipt of [
    forged,
    await signedBy(receiptWith(), requester, stranger),
    await signedBy(receiptWith({ verdict: 'rejected', units: 1 }), requester),
    await signedBy(receiptWith({ units: 7 }), requester),
    await signedBy(receiptWith({ validators: [executor.nodeId] }), requester),
    await signedBy({ ...receiptWith(), extra: 1 } as Receipt, requester),
  ]) {
    expect((await ledger.append({ kind: 'receipt.recorded', receipt })).ok).toBe(false);
  }
  expect(ledger.head.length).toBe(0);
});

test('what was appended is there after reopening, in one unbroken chain', async () => {
  const { log } = await openMemoryStorage();
  const first = unwrap(await ledgerOver(log));
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => first.append({ kind: 'contribution.decided', on: i % 2 === 0 })),
  );
  unwrap(
    await first.append({
      kind: 'receipt.recorded',
      receipt: await signedBy(receiptWith(), requester, executor, validator),
    }),
  );
  const second = unwrap(await ledgerOver(log));
  expect(second.head).toEqual(first.head);
  expect(second.entries.map((entry) => entry.seq)).toEqual(Array.from({ length: 21 }, (_, i) => i));
  expect([...second.state.unitsByNode]).toEqual([...first.state.unitsByNode]);
});

test('a write that fails leaves head and state as they were, and the next one goes on from there', async () => {
  const { log } = await openMemoryStorage();
  let full = false;
  const store: EventLogStore = {
    ...log,
    append: (position, bytes) =>
      full ? Promise.resolve(fail('storage_full', 'The disk is full.')) : log.append(position, bytes),
  };
  const ledger = unwrap(await ledgerOver(store));
  unwrap(await ledger.append({ kind: 'contribution.decided', on: true }));
  const before = ledger.head;
  full = true;
  const failed = await Promise.all([
    ledger.append({ kind: 'contribution.decided', on: false }),
    ledger.append({ kind: 'contribution.decided', on: true }),
  ]);
  expect(failed.map((result) => result.ok)).toEqual([false, false]);
  expect(ledger.head).toEqual(before);
  full = false;
  unwrap(await ledger.append({ kind: 'contribution.decided', on: false }));
  expect(ledger.head.length).toBe(2);
  expect(unwrap(await ledgerOver(log)).head).toEqual(ledger.head);
});

test('one flipped byte in a stored entry is found when the log is opened', async () => {
  const { log } = await openMemoryStorage();
  const ledger = unwrap(await ledgerOver(log));
  unwrap(await ledger.append({ kind: 'contribution.decided', on: true }));
  unwrap(await ledger.append({ kind: 'contribution.decided', on: false }));
  const entries = unwrap(await log.read(0, 10));
  await fc.assert(
    fc.asyncProperty(fc.nat(entries[0]!.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const bytes = Uint8Array.from(entries[0]!.bytes);
      bytes[at]! ^= flip;
      const store: EventLogStore = {
        ...log,
        read: async (from) => ({ ok: true, value: from === 0 ? [{ position: 0, bytes }, entries[1]!] : [] }),
      };
      expect(await ledgerOver(store)).toMatchObject({ ok: false, error: { code: 'ledger_damaged' } });
    }),
    { numRuns: 60 },
  );
});

test('an exported ledger imports its receipts once; a damaged or foreign file changes nothing', async () => {
  const source = unwrap(await ledgerOver((await openMemoryStorage()).log));
  unwrap(
    await source.append({
      kind: 'receipt.recorded',
      receipt: await signedBy(receiptWith(), requester, executor, validator),
    }),
  );
  const text = unwrap(await source.export());
  const target = unwrap(await openLedger({ store: (await openMemoryStorage()).log, signer: stranger, verify, clock }));
  for (const bad of [
    '',
    '{}',
    'null',
    text.slice(0, -20),
    text.replace(/"[A-Za-z0-9+/]{40}/, '"AAAA'),
    text.replace('"v": 1', '"v": 2'),
  ]) {
    expect((await target.import(bad)).ok).toBe(false);
    expect(target.head.length).toBe(0);
  }
  expect(await target.import(text)).toEqual({ ok: true, value: { added: 1, known: 0 } });
  expect(await target.import(text)).toEqual({ ok: true, value: { added: 0, known: 1 } });
  expect(target.state.unitsByNode.get(executor.nodeId)).toBe(3);
  expect(unwrap(await target.export())).toBe(unwrap(await target.export()));
});

test('any order of the same receipts gives the same state', async () => {
  const pool: { id: string; receipt: Receipt; signed: Signed }[] = [];
  for (let i = 0; i < 6; i++) {
    const receipt = receiptWith({ jobId: `job-${i % 3}`, units: 1 + (i % 5) });
    for (const signers of [[requester], [requester, executor], [requester, executor, validator]]) {
      const signed = await signedBy(receipt, ...signers);
      pool.push({ id: unwrap(await openReceipt(signed, verify)).id, receipt, signed });
    }
  }
  const stateOf = (order: typeof pool) => {
    const fold = createLedgerFold();
    for (const one of order) fold.add(one.id, one.receipt, one.signed);
    return {
      units: [...fold.state.unitsByNode].sort(),
      credited: [...fold.state.creditedByWork].sort(),
      signers: [...fold.state.receiptsById]
        .sort()
        .map(([id, known]) => [id, known.signed.signatures.map((one) => one.keyId)]),
    };
  };
  const expected = stateOf(pool);
  expect(expected.credited).toHaveLength(3);
  fc.assert(
    fc.property(fc.shuffledSubarray(pool, { minLength: pool.length, maxLength: pool.length }), (order) => {
      expect(stateOf(order)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});
