import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64 } from '../base/bytes';
import { cidOf, encodeCanonical } from '../base/canonical';
import type { Signer } from '../base/ports';
import { fail, unwrap } from '../base/result';
import type { EventLogStore, NodeStorage } from '../storage/ports';
import { decodeThrough } from '../wire/gate';
import { addSignature, idOfSigned, sign, signedSchema, type Signed } from '../wire/signed';
import { createMemory, openMemoryStorage } from '#adapters/storage-memory';
import {
  foundCommunity,
  openTestLedger,
  signerNamed,
  testVerify as verify,
  tryOpenTestLedger,
} from '#tests/fakes/test-community';
import { EMPTY_HEAD, MAX_ENTRY_BYTES, openEquivocation, signEntry } from './chain';
import type { LedgerEvent } from './events';
import { parseLedgerFile } from './ledger-file';
import { createReceiptFacts } from './receipt-facts';
import { openReceipt, type Receipt } from './receipts';

const [requester, executor, validator, stranger] = ['requester', 'executor', 'validator', 'stranger'].map(
  signerNamed,
) as [Signer, Signer, Signer, Signer];
const someCid = cidOf(encodeCanonical({ some: 'statement' }));
const decided = (on: boolean): LedgerEvent => ({ kind: 'contribution.decided', on });

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

/** The same storage with one method of every named log replaced. */
const withLogs = (storage: NodeStorage, change: (log: EventLogStore) => Partial<EventLogStore>): NodeStorage => ({
  ...storage,
  logNamed: (name) => {
    const log = storage.logNamed(name);
    return { ...log, ...change(log) };
  },
});

/** Entries of a log that nobody holds yet, as they travel. */
async function logOf(signer: Signer, events: readonly LedgerEvent[]): Promise<Uint8Array<ArrayBuffer>[]> {
  const { community } = await foundCommunity();
  let head = EMPTY_HEAD;
  const entries: Uint8Array<ArrayBuffer>[] = [];
  for (const [at, event] of events.entries()) {
    const signed = await signEntry(signer, head, { community: community.id, event, at });
    head = signed.head;
    entries.push(signed.bytes);
  }
  return entries;
}

describe('receipts in the ledger', () => {
  it('count units once, and only when both sides and a validator signed an accepted one', async () => {
    const ledger = await openTestLedger(requester);
    const units = () => ledger.state.unitsByNode.get(executor.nodeId);
    const record = async (receipt: Signed) => unwrap(await ledger.append({ kind: 'receipt.recorded', receipt }));
    await record(await signedBy(receiptWith(), requester));
    expect(units()).toBeUndefined();
    await record(await signedBy(receiptWith(), requester, executor));
    expect(units()).toBeUndefined();
    const whole = await signedBy(receiptWith(), requester, executor, validator);
    await record(whole);
    expect(units()).toBe(3);
    await record(whole);
    expect(units()).toBe(3);
    // A second receipt for the same work adds nothing, whatever it claims.
    await record(await signedBy(receiptWith({ units: 6 }), requester, executor, validator));
    expect([3, 6]).toContain(units());
    expect(ledger.state.workByNode.get(executor.nodeId)?.jobs).toBe(2);
  });

  it('with a broken signature, a foreign signer or units without acceptance are refused and change nothing', async () => {
    const ledger = await openTestLedger(requester);
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

  it('come back with every signature that any entry holds', async () => {
    const ledger = await openTestLedger(requester);
    const receipt = receiptWith();
    for (const signer of [executor, validator])
      unwrap(await ledger.append({ kind: 'receipt.recorded', receipt: await signedBy(receipt, requester, signer) }));
    const id = cidOf(encodeCanonical(receipt));
    const whole = unwrap(await ledger.receiptOf(id))!;
    expect(whole.signatures).toHaveLength(3);
    expect((await openReceipt(whole, verify)).ok).toBe(true);
    expect(unwrap(await ledger.receiptOf(someCid))).toBe(null);
  });

  it('mean the same in any order', async () => {
    const pool: { id: string; receipt: Receipt; signers: string[]; seq: number }[] = [];
    for (let i = 0; i < 6; i++) {
      const receipt = receiptWith({ jobId: `job-${i % 3}`, units: 1 + (i % 5) });
      for (const signers of [[requester], [requester, executor], [requester, executor, validator]]) {
        const signed = await signedBy(receipt, ...signers);
        const { id } = unwrap(await openReceipt(signed, verify));
        pool.push({ id, receipt, signers: signers.map(({ nodeId }) => nodeId), seq: pool.length });
      }
    }
    const stateOf = (order: typeof pool) => {
      const facts = createReceiptFacts();
      for (const one of order) facts.add(one.id, one.receipt, one.signers, { author: requester.nodeId, seq: one.seq });
      return {
        units: [...facts.unitsByNode].sort(),
        credited: [...facts.creditedByWork].sort(),
        receipts: [...facts.receiptsById.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
        work: [...facts.workByNode].sort(),
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
});

describe('the own log', () => {
  it('is there after reopening, in one unbroken chain', async () => {
    const memory = createMemory();
    const first = await openTestLedger(requester, { storage: memory.open() });
    await Promise.all(Array.from({ length: 20 }, (_, i) => first.append(decided(i % 2 === 0))));
    const receipt = await signedBy(receiptWith(), requester, executor, validator);
    unwrap(await first.append({ kind: 'receipt.recorded', receipt }));
    const second = await openTestLedger(requester, { storage: memory.open() });
    expect(second.head).toEqual(first.head);
    const entries = unwrap(await second.entriesOf(requester.nodeId, 0, 99));
    expect(entries.map((entry) => entry.seq)).toEqual(Array.from({ length: 21 }, (_, i) => i));
    expect(second.state.digest()).toBe(first.state.digest());
  });

  it('stays as it was when a write fails, and goes on from there', async () => {
    const memory = createMemory();
    let full = false;
    const storage = withLogs(memory.open(), (log) => ({
      append: (position, bytes) =>
        full ? Promise.resolve(fail('storage_full', 'The disk is full.')) : log.append(position, bytes),
    }));
    const ledger = await openTestLedger(requester, { storage });
    unwrap(await ledger.append(decided(true)));
    const [head, digest] = [ledger.head, ledger.state.digest()];
    full = true;
    const failed = await Promise.all([ledger.append(decided(false)), ledger.append(decided(true))]);
    expect(failed.map((result) => result.ok)).toEqual([false, false]);
    expect([ledger.head, ledger.state.digest()]).toEqual([head, digest]);
    full = false;
    unwrap(await ledger.append(decided(false)));
    expect(ledger.head.length).toBe(2);
    expect((await openTestLedger(requester, { storage: memory.open() })).head).toEqual(ledger.head);
  });

  it('is found damaged when one byte of a stored entry is flipped', async () => {
    const memory = createMemory();
    const ledger = await openTestLedger(requester, { storage: memory.open() });
    for (const on of [true, false]) unwrap(await ledger.append(decided(on)));
    const entries = unwrap(await ledger.bytesOf(requester.nodeId, 0, 9));
    await fc.assert(
      fc.asyncProperty(fc.nat(entries[0]!.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Uint8Array.from(entries[0]!);
        bytes[at]! ^= flip;
        const storage = withLogs(memory.open(), () => ({
          read: async (from) => ({
            ok: true,
            value: [bytes, entries[1]!].map((one, position) => ({ position, bytes: one })).slice(from),
          }),
        }));
        expect(await tryOpenTestLedger(requester, { storage })).toMatchObject({
          ok: false,
          error: { code: 'ledger_damaged' },
        });
      }),
      { numRuns: 60 },
    );
  });

  it('opens from a checkpoint to the same state, and without it when it does not fit the log', async () => {
    const memory = createMemory();
    const first = await openTestLedger(requester, { storage: memory.open(), checkpointAfter: 10 });
    for (let i = 0; i < 12; i++) await first.append(decided(i % 2 === 0));
    await first.settled();
    const records = memory.open().records;
    const [key] = unwrap(await records.keys('ledger-checkpoint/'));
    const kept = unwrap(await records.get(key!));
    expect(kept).toEqual(expect.any(String));

    let verified = 0;
    const counting: typeof verify = (...args) => {
      verified += 1;
      return verify(...args);
    };
    const second = await openTestLedger(requester, { storage: memory.open(), verify: counting });
    expect(second.state.digest()).toBe(first.state.digest());
    expect(second.head).toEqual(first.head);
    expect(verified).toBe(2);

    // The log lost its end and went on otherwise: the checkpoint names an entry that is not there.
    const other = createMemory();
    const storage = other.open();
    const shorter = await openTestLedger(requester, { storage });
    for (let i = 0; i < 11; i++) await shorter.append(decided(i % 3 === 0));
    await shorter.settled();
    unwrap(await storage.records.set(key!, kept));
    const reopened = await openTestLedger(requester, { storage: other.open() });
    expect(reopened.head).toEqual(shorter.head);
    expect(reopened.state.digest()).toBe(shorter.state.digest());
  });

  it('does not believe a checkpoint over a log that is gone altogether', async () => {
    const memory = createMemory();
    const first = await openTestLedger(requester, { storage: memory.open(), checkpointAfter: 2 });
    unwrap(await first.receive(executor.nodeId, 0, await logOf(executor, [decided(true), decided(false)])));
    await first.settled();
    const [key] = unwrap(await memory.open().records.keys('ledger-checkpoint/'));
    const kept = unwrap(await memory.open().records.get<Uint8Array>(key!));
    const emptied = createMemory().open();
    unwrap(await emptied.records.set(key!, kept));
    const ledger = await openTestLedger(requester, { storage: emptied });
    expect(ledger.heads()).toEqual([]);
    expect(ledger.state.digest()).toBe((await openTestLedger(requester)).state.digest());
  });
});

describe('logs of others', () => {
  const events = [decided(true), decided(false), decided(true)];

  it('are taken in order and once, in whatever parts they come, and survive a restart', async () => {
    const memory = createMemory();
    const ledger = await openTestLedger(requester, { storage: memory.open() });
    const entries = await logOf(executor, events);
    expect(await ledger.receive(executor.nodeId, 1, entries.slice(1))).toMatchObject({ error: { code: 'log_gap' } });
    expect(unwrap(await ledger.receive(executor.nodeId, 0, entries.slice(0, 2)))).toEqual({ added: 2, length: 2 });
    expect(unwrap(await ledger.receive(executor.nodeId, 0, entries))).toEqual({ added: 1, length: 3 });
    expect(unwrap(await ledger.receive(executor.nodeId, 1, entries.slice(1)))).toEqual({ added: 0, length: 3 });
    const again = await openTestLedger(requester, { storage: memory.open() });
    expect(again.heads()).toEqual(ledger.heads());
    expect(again.state.digest()).toBe(ledger.state.digest());
  });

  it('are refused whole when anything in them is wrong, and change nothing', async () => {
    const ledger = await openTestLedger(requester);
    const entries = await logOf(executor, events);
    const elsewhere = await signEntry(executor, EMPTY_HEAD, { community: someCid, event: decided(true), at: 0 });
    const flipped = Uint8Array.from(entries[1]!);
    flipped[flipped.length - 1]! ^= 1;
    const digest = ledger.state.digest();
    for (const [given, code] of [
      [[entries[0]!, flipped], 'bad_signature'],
      [[entries[0]!, entries[2]!], 'chain_gap'],
      [[elsewhere.bytes], 'foreign_community'],
      [await logOf(stranger, events), 'chain_gap'],
      [[Uint8Array.of(1, 2, 3)], 'undecodable'],
      [[new Uint8Array(70_000)], 'too_large'],
    ] as const) {
      expect(await ledger.receive(executor.nodeId, 0, given)).toMatchObject({ ok: false, error: { code } });
    }
    expect(ledger.heads()).toEqual([]);
    expect(ledger.state.digest()).toBe(digest);
  });

  it('that part earlier than the first place that shows it are looked for further back, so that nobody counts another beginning', async () => {
    const ledger = await openTestLedger(requester);
    const [one, two] = [await logOf(executor, events), await logOf(executor, [events[1]!, ...events.slice(1)])];
    unwrap(await ledger.receive(executor.nodeId, 0, one));
    expect(await ledger.receive(executor.nodeId, 2, two.slice(2))).toMatchObject({ error: { code: 'log_forked' } });
    expect([...ledger.state.bannedFrom]).toEqual([[executor.nodeId, 2]]);
    expect(await ledger.receive(executor.nodeId, 0, two)).toMatchObject({ error: { code: 'banned' } });
    expect([...ledger.state.bannedFrom]).toEqual([[executor.nodeId, 0]]);
  });

  it('that say two things at one place are proof of it, which any other node believes', async () => {
    const memory = createMemory();
    const ledger = await openTestLedger(requester, { storage: memory.open() });
    const [one, two] = [await logOf(executor, events), await logOf(executor, [events[0]!, events[0]!, events[1]!])];
    unwrap(await ledger.receive(executor.nodeId, 0, one));
    // The fork lies before what is offered: earlier entries are wanted, and then it shows.
    expect(await ledger.receive(executor.nodeId, 3, [])).toMatchObject({ ok: true });
    expect(await ledger.receive(executor.nodeId, 0, two)).toMatchObject({ error: { code: 'banned' } });
    expect([...ledger.state.bannedFrom]).toEqual([[executor.nodeId, 1]]);
    const [proof] = ledger.proofs;
    expect(unwrap(await openEquivocation(proof!, verify))).toMatchObject({ author: executor.nodeId, seq: 1 });

    const other = await openTestLedger(stranger);
    unwrap(await other.receive(executor.nodeId, 0, two));
    expect(unwrap(await other.receiveProof(proof!))).toBe(true);
    expect(unwrap(await other.receiveProof(proof!))).toBe(false);
    expect(other.state.digest()).toBe(ledger.state.digest());
    // It is kept for ever.
    const again = await openTestLedger(requester, { storage: memory.open() });
    expect([...again.state.bannedFrom]).toEqual([[executor.nodeId, 1]]);
    expect(again.state.digest()).toBe(ledger.state.digest());
  });

  it('leave nothing of the own log behind when a proof comes while it is written', async () => {
    const maker = await openTestLedger(stranger);
    const [one, two] = [await logOf(executor, events), await logOf(executor, [events[1]!, ...events.slice(1)])];
    unwrap(await maker.receive(executor.nodeId, 0, one));
    await maker.receive(executor.nodeId, 0, two);
    const [proof] = maker.proofs;
    for (let later = 0; later < 40; later++) {
      const storage = await openMemoryStorage();
      // What is written takes some turns, as on a disk.
      const slow = withLogs(storage, (log) => ({
        async append(position, bytes) {
          for (let turn = 0; turn < 12; turn++) await Promise.resolve();
          return log.append(position, bytes);
        },
      }));
      const ledger = await openTestLedger(requester, { storage: slow, verify: async () => true });
      unwrap(await ledger.append(decided(true)));
      unwrap(await ledger.receive(executor.nodeId, 0, one));
      const judging = ledger.receiveProof(proof!);
      for (let turn = 0; turn < later; turn++) await Promise.resolve();
      const appended = [ledger.append(decided(false)), ledger.append(decided(true))];
      unwrap(await judging);
      for (const entry of await Promise.all(appended)) unwrap(entry);
      expect([...ledger.state.bannedFrom]).toEqual([[executor.nodeId, 0]]);
      expect(ledger.head.length).toBe(3);
      // Null where the state lacks entries that are held.
      expect(ledger.checkpoint()?.heads, `${later} turns later`).toMatchObject([
        [requester.nodeId, ledger.head.id, 3, expect.any(Number)],
      ]);
    }
  });

  it('cannot be framed: entries that do not exclude each other prove nothing', async () => {
    const ledger = await openTestLedger(requester);
    const entries = await logOf(executor, events);
    const foreign = await logOf(stranger, events);
    for (const [a, b] of [
      [entries[0]!, entries[1]!],
      [entries[0]!, entries[0]!],
      [entries[0]!, foreign[0]!],
    ] as const) {
      const refused = await ledger.receiveProof({ type: 'equivocation', v: 1, a, b });
      expect(refused).toMatchObject({ error: { code: 'no_equivocation' } });
    }
    expect([...ledger.state.bannedFrom]).toEqual([]);
  });
});

describe('ledger files', () => {
  it('bring every log to another member, once; a damaged or foreign one changes nothing', async () => {
    const source = await openTestLedger(requester);
    const receipt = await signedBy(receiptWith(), requester, executor, validator);
    unwrap(await source.append({ kind: 'receipt.recorded', receipt }));
    unwrap(await source.receive(executor.nodeId, 0, await logOf(executor, [decided(true)])));
    const text = unwrap(await source.export());
    expect(unwrap(await source.export())).toBe(text);
    const target = await openTestLedger(stranger);
    for (const bad of [
      '',
      '{}',
      'null',
      text.slice(0, -20),
      text.replace(/"entries": \[\s*"[A-Za-z0-9+/]{40}/, '"entries": ["AAAA'),
      text.replace('"v": 2', '"v": 3'),
    ]) {
      expect((await target.import(bad)).ok).toBe(false);
      expect(target.heads()).toEqual([]);
    }
    expect(unwrap(await target.import(text))).toEqual({ added: 2, known: 0 });
    expect(unwrap(await target.import(text))).toEqual({ added: 0, known: 2 });
    expect(target.state.digest()).toBe(source.state.digest());
    expect(parseLedgerFile(text).ok).toBe(true);
    const elsewhere = await openTestLedger(stranger, { in: await foundCommunity(undefined, 'Other') });
    expect(await elsewhere.import(text)).toMatchObject({ error: { code: 'foreign_community' } });
  });
});

describe('the log of earlier versions', () => {
  async function oldEntries(count: number): Promise<Uint8Array[]> {
    const entries: Uint8Array[] = [];
    let prev: string | null = null;
    for (let seq = 0; seq < count; seq++) {
      const receipt = await signedBy(receiptWith({ jobId: `job-${seq}` }), requester, executor, validator);
      const event = seq % 2 === 0 ? { kind: 'receipt.recorded', receipt } : { kind: 'contribution.decided', on: true };
      const body = { type: 'ledger-entry', v: 1, author: requester.nodeId, seq, prev, lamport: seq + 1, at: 0, event };
      const signed = await sign(requester, body);
      prev = cidOf(signed.payload);
      entries.push(encodeCanonical(signed));
    }
    return entries;
  }

  it('gives its receipts to the new one, once, and is left as it is', async () => {
    const memory = createMemory();
    const entries = await oldEntries(4);
    unwrap(await memory.open().log.appendAll(0, entries));
    for (let visit = 0; visit < 2; visit++) {
      const ledger = await openTestLedger(requester, { storage: memory.open() });
      expect(ledger.head.length).toBe(2);
      expect(ledger.state.unitsByNode.get(executor.nodeId)).toBe(6);
    }
    expect(unwrap(await memory.open().log.length())).toBe(4);
  });

  it('is taken over whole although the first try is cut off anywhere', async () => {
    const entries = await oldEntries(6);
    for (let writesLeft = 0; writesLeft < 3; writesLeft++) {
      const memory = createMemory();
      unwrap(await memory.open().log.appendAll(0, entries));
      let left = writesLeft;
      const dying = withLogs(memory.open(), (log) => ({
        append: (position, bytes) =>
          left-- > 0 ? log.append(position, bytes) : Promise.resolve(fail('storage_unavailable', 'Gone.')),
      }));
      expect((await tryOpenTestLedger(requester, { storage: dying })).ok).toBe(false);
      const ledger = await openTestLedger(requester, { storage: memory.open() });
      expect(ledger.head.length).toBe(3);
      expect(ledger.state.unitsByNode.get(executor.nodeId)).toBe(9);
    }
  });

  it('is imported from a file of then', async () => {
    const ledger = await openTestLedger(stranger, { storage: await openMemoryStorage() });
    const entries = await oldEntries(3);
    const head = idOfSigned(unwrap(decodeThrough(signedSchema, entries[2]!, MAX_ENTRY_BYTES)));
    const file = { format: 'tabmesh-ledger', v: 1, author: requester.nodeId, head, entries: entries.map(base64) };
    expect(await ledger.import(JSON.stringify({ ...file, entries: file.entries.slice(0, 2) }))).toMatchObject({
      error: { code: 'ledger_damaged' },
    });
    expect(ledger.head.length).toBe(0);
    expect(unwrap(await ledger.import(JSON.stringify(file)))).toEqual({ added: 2, known: 0 });
  });
});
