import { describe, expect, test } from 'vitest';
import { createEmitter } from '#core/base/events';
import { fail, ok } from '#core/base/result';
import type { Ledger, LedgerChange } from '#core/ledger/ledger';
import type { PaidLook } from '#core/ledger/rules/looking-rules';
import { createSeedSigner } from '#adapters/signer-seed';
import { sha256 } from '#core/base/canonical';
import { utf8 } from '#core/base/bytes';
import { startClaims } from './claims';

const signer = createSeedSigner(sha256(utf8('v')));
const look = (at: number): PaidLook =>
  ({
    reservation: `r${at}`,
    settlement: `s${at}`,
    jobId: `j${at}`,
    executor: 'e',
    payer: 'p',
    verdict: `v${at}`,
    check: 'redo',
    paidMicros: 1,
  }) as never;

function stub(append: (settlement: string) => Promise<unknown>, looks: PaidLook[]) {
  const changed = createEmitter<LedgerChange>();
  const ledger = {
    author: signer.nodeId,
    community: { id: 'c' },
    changed,
    state: { unclaimedBy: () => ({ grants: [], reservations: [] }), unreceiptedLooksOf: () => [...looks] },
    append: async (event: { receipt: { payload: Uint8Array } }) => append(String(event.receipt.payload.length)),
  };
  return { ledger: ledger as unknown as Ledger, changed };
}

describe('receipts for looking', () => {
  test('a signer or a store that throws once does not end them for good', async () => {
    const looks = [look(1)];
    let calls = 0;
    const { ledger } = stub(async () => {
      calls++;
      if (calls === 1) throw new Error('once');
      looks.shift();
      return ok({});
    }, looks);
    const claims = startClaims({ signer, clock: { now: () => 1 } as never, ledger, witnessing: {} as never });
    await claims.sweep().catch(() => undefined);
    await claims.sweep().catch(() => undefined);
    expect(looks).toEqual([]);
  });

  test('a failed write is made up for by the next sweep; many sweeps at once write each once', async () => {
    const looks = [look(1), look(2)];
    let calls = 0;
    const { ledger } = stub(async () => {
      calls++;
      if (calls === 1) return fail('storage_full', 'full');
      looks.shift();
      return ok({});
    }, looks);
    const claims = startClaims({ signer, clock: { now: () => 1 } as never, ledger, witnessing: {} as never });
    await Promise.all([claims.sweep(), claims.sweep(), claims.sweep()]);
    await claims.sweep();
    expect([looks, calls]).toEqual([[], 3]);
  });
});
