import { describe, expect, test } from 'vitest';
import { createEmitter } from '#core/base/events';
import type { Clock } from '#core/base/ports';
import { fail, ok, unwrap } from '#core/base/result';
import { openLedger, type Ledger, type LedgerChange } from '#core/ledger/ledger';
import type { PaidLook } from '#core/ledger/rules/looking-rules';
import { createSeedSigner } from '#adapters/signer-seed';
import { sha256 } from '#core/base/canonical';
import { utf8 } from '#core/base/bytes';
import type { NodeStorage } from '#core/storage/ports';
import { createMemory } from '#adapters/storage-memory';
import { createEconomyWorld, credits, type Member } from '#tests/fakes/economy-world';
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

test('nothing is written twice by a sweep while the state is made anew, because some node signed two histories', async () => {
  const world = await createEconomyWorld();
  const [payer, host, forger] = ['payer', 'host', 'forger'].map(world.member) as [Member, Member, Member];
  // Logs are read in the order of their authors: this one after that of who pays.
  const validator = Array.from({ length: 40 }, (_, at) => world.member(`validator-${at}`)).find(
    ({ nodeId }) => nodeId > payer.nodeId && nodeId > host.nodeId,
  )!;
  await world.claim(payer, await world.grant(world.founder, payer, credits(20)));
  const reservation = await world.reserve(payer, host);
  const done = await world.work(reservation, { verifiers: [validator] });
  await world.propose(host, reservation, done);
  const { event, refs, inside } = await world.close(reservation, { outcome: 'settled', work: done });
  await world.write(payer, event, refs, inside);
  await world.write(forger, { kind: 'contribution.decided', on: true });
  await world.write(forger, { kind: 'community.joined', community: world.community.id });
  const twin = world.twinOf(forger, 0);
  await world.write(twin, { kind: 'contribution.decided', on: false });

  const memory = createMemory().open();
  let onRead: () => void = () => {};
  const storage: NodeStorage = {
    ...memory,
    logNamed(name) {
      const log = memory.logNamed(name);
      return {
        ...log,
        read(from, limit) {
          onRead();
          return log.read(from, limit);
        },
      };
    },
  };
  const clock = { now: () => world.nowMs, monotonicMs: () => 0, after: () => () => {}, every: () => () => {} } as Clock;
  const { community, manifest, verify } = world;
  const ledger = unwrap(await openLedger({ storage, signer: validator.signer, verify, clock, community, manifest }));
  for (const one of [world.founder, payer, host, forger])
    unwrap(
      await ledger.receive(
        one.nodeId,
        0,
        one.entries.map(({ bytes }) => bytes),
      ),
    );
  const claims = startClaims({ signer: validator.signer, clock, ledger, witnessing: {} as never });
  await claims.sweep();
  const kinds = async () => unwrap(await ledger.entriesOf(validator.nodeId, 0, 100)).map((one) => one.event.kind);
  expect(await kinds()).toEqual(['settlement.closed', 'verification.receipted']);

  // As where somebody asks meanwhile and has too little to spend: what could be claimed is looked for.
  onRead = () => queueMicrotask(() => void claims.sweep());
  expect(
    await ledger.receive(
      forger.nodeId,
      0,
      twin.entries.map(({ bytes }) => bytes),
    ),
  ).toMatchObject({ ok: false });
  onRead = () => {};
  await claims.sweep();
  await ledger.settled();
  expect(ledger.state.bannedFrom.has(forger.nodeId)).toBe(true);
  expect(await kinds()).toEqual(['settlement.closed', 'verification.receipted']);
  expect(ledger.state.refusals).toEqual([]);
});
