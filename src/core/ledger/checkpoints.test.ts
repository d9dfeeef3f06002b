import { describe, expect, it } from 'vitest';
import type { Signer } from '../base/ports';
import { fail, unwrap } from '../base/result';
import type { NodeStorage } from '../storage/ports';
import { createMemory } from '#adapters/storage-memory';
import { foundCommunity, openTestLedger, signerNamed, testVerify } from '#tests/fakes/test-community';
import { EMPTY_HEAD, signEntry } from './chain';
import type { LedgerEvent } from './events';
import type { Ledger } from './ledger';

const [keeper, other] = ['keeper', 'other'].map(signerNamed) as [Signer, Signer];
const AFTER = 5;
const decided = (on: boolean): LedgerEvent => ({ kind: 'contribution.decided', on });

/** The storage, and how many entries were read from its logs. */
function countingReads(storage: NodeStorage): { readonly storage: NodeStorage; readonly read: () => number } {
  let read = 0;
  const logNamed: NodeStorage['logNamed'] = (name) => {
    const log = storage.logNamed(name);
    return {
      ...log,
      async read(from, limit) {
        const entries = await log.read(from, limit);
        if (entries.ok) read += entries.value.length;
        return entries;
      },
    };
  };
  return { storage: { ...storage, logNamed }, read: () => read };
}

async function appendTo(ledger: Ledger, count: number): Promise<void> {
  for (let at = 0; at < count; at++) unwrap(await ledger.append(decided(at % 2 === 0)));
  await ledger.settled();
}

const open = (storage: NodeStorage) => openTestLedger(keeper, { storage, checkpointAfter: AFTER });

const partsOf = async (storage: NodeStorage): Promise<readonly string[]> =>
  unwrap(await storage.records.keys('ledger-checkpoint/')).slice(1);

describe('checkpoints', () => {
  it('leave no more to read than what came since the last one, over any number of parts and restarts', async () => {
    const memory = createMemory();
    for (let visit = 0; visit < 3; visit++) {
      const ledger = await open(memory.open());
      await appendTo(ledger, 13);
      const counted = countingReads(memory.open());
      const again = await open(counted.storage);
      expect(counted.read()).toBeLessThanOrEqual(1 + AFTER);
      expect(again.head).toEqual(ledger.head);
      expect(again.state.digest()).toBe(ledger.state.digest());
    }
    expect((await partsOf(memory.open())).length).toBeGreaterThan(3);
  });

  it('of which one is torn, lost or another node’s end where it is, and cost no more than reading on', async () => {
    const memory = createMemory();
    const ledger = await open(memory.open());
    await appendTo(ledger, 32);
    const { records } = memory.open();
    const parts = await partsOf(memory.open());
    const whole = unwrap(await records.keys('ledger-checkpoint/'))[0]!;
    for (const spoil of [
      () => records.set(parts[1]!, 'torn'),
      () => records.delete(parts[2]!),
      async () => records.set(parts[3]!, unwrap(await records.get(parts[0]!))),
      () => records.set(whole, Uint8Array.of(1)),
    ]) {
      unwrap(await spoil());
      const again = await open(memory.open());
      await again.settled();
      expect(again.head).toEqual(ledger.head);
      expect(again.state.digest()).toBe(ledger.state.digest());
    }
  });

  it('that could not be written are made up for by the next one', async () => {
    const memory = createMemory();
    const storage = memory.open();
    let full = false;
    const records: NodeStorage['records'] = {
      ...storage.records,
      set: (key, value) =>
        full ? Promise.resolve(fail('storage_full', 'The disk is full.')) : storage.records.set(key, value),
    };
    const ledger = await open({ ...storage, records });
    await appendTo(ledger, 2 * AFTER);
    full = true;
    await appendTo(ledger, AFTER);
    full = false;
    await appendTo(ledger, AFTER);
    const counted = countingReads(memory.open());
    const again = await open(counted.storage);
    expect(counted.read()).toBe(1);
    expect(again.state.digest()).toBe(ledger.state.digest());
  });

  it('are not believed where a proof came after them that makes void what they cover', async () => {
    const { community } = await foundCommunity();
    const first = await signEntry(other, EMPTY_HEAD, { community: community.id, event: decided(true), at: 0 });
    const second = await signEntry(other, EMPTY_HEAD, { community: community.id, event: decided(false), at: 0 });
    const joined = await signEntry(other, first.head, {
      community: community.id,
      event: { kind: 'community.joined', community: community.id },
      at: 1,
    });
    const memory = createMemory();
    const ledger = await openTestLedger(keeper, { storage: memory.open(), checkpointAfter: 2 });
    unwrap(await ledger.receive(other.nodeId, 0, [first.bytes, joined.bytes]));
    await ledger.settled();
    expect(ledger.state.isHere(other.nodeId)).toBe(true);
    expect(await ledger.receive(other.nodeId, 0, [second.bytes])).toMatchObject({ error: { code: 'banned' } });
    // The tab is closed before another checkpoint is due.
    const again = await openTestLedger(keeper, { storage: memory.open(), checkpointAfter: 2 });
    expect(again.state.isHere(other.nodeId)).toBe(false);
    expect(again.state.digest()).toBe(ledger.state.digest());
  });

  it('leave what entries carry unverified behind them, and every author’s own signature verified', async () => {
    const memory = createMemory();
    await appendTo(await openTestLedger(keeper, { storage: memory.open() }), 4);
    let verified = 0;
    const counting: typeof testVerify = (...args) => {
      verified += 1;
      return testVerify(...args);
    };
    await openTestLedger(keeper, { storage: memory.open(), verify: counting });
    expect(verified).toBe(4);
  });
});
