import { beforeAll, describe, expect, test } from 'vitest';
import { ok, unwrap } from '#core/base/result';
import type { Verify } from '#core/base/ports';
import { equivocationOf } from '#core/ledger/chain';
import { openLedger, type Ledger } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
import type { Receipt } from '#core/ledger/receipts';
import { sign } from '#core/wire/signed';
import { createMemory, openMemoryStorage } from '#adapters/storage-memory';
import {
  createEconomyWorld,
  credits,
  type EconomyWorld,
  type Member,
  type Reservation,
} from '#tests/fakes/economy-world';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { isSame } from './compare-states';
import { createLedgerDesk } from './ledger-desk';
import type { VerifyStep } from './ledger-desk-views';

let world: EconomyWorld;
let host: Member;
let paid: Reservation;
let ledger: Ledger;

async function ledgerOf(member: Member): Promise<Ledger> {
  return unwrap(
    await openLedger({
      storage: await openMemoryStorage(),
      signer: member.signer,
      verify: world.verify,
      clock: createVirtualClock(),
      community: world.community,
      manifest: world.manifest,
    }),
  );
}

const deskOf = (held: Ledger, verify: Verify = world.verify) =>
  createLedgerDesk({
    ledger: held,
    verify,
    clock: createVirtualClock(),
    links: { all: [] } as unknown as Links,
    disputes: async () => null,
    claimOf: async () => ok(null),
  });

test('receipts are given newest first, also from a checkpoint, which keeps them by id', async () => {
  const reader = world.member('receipts');
  const storage = createMemory();
  const open = async () =>
    unwrap(
      await openLedger({
        storage: storage.open(),
        signer: reader.signer,
        verify: world.verify,
        clock: createVirtualClock(),
        community: world.community,
        manifest: world.manifest,
        checkpointAfter: 4,
      }),
    );
  const first = await open();
  const times = [1, 2, 3, 4];
  for (const at of times) {
    const body: Receipt = {
      type: 'receipt',
      v: 1,
      jobId: `job-${at}`,
      traceId: 'trace',
      capability: 'text_stats@1',
      requester: reader.nodeId,
      executor: host.nodeId,
      validators: [],
      model: null,
      commitment: world.community.id,
      verdicts: [],
      verdict: 'unchecked',
      check: 'none',
      units: 0,
      tokens: null,
      at,
    };
    const receipt = await sign(reader.signer, body);
    unwrap(await first.append({ kind: 'receipt.recorded', receipt }));
  }
  await first.settled();
  for (const held of [first, await open()])
    expect(
      deskOf(held)
        .receipts()
        .map(({ at }) => at),
    ).toEqual([...times].reverse());
});

async function verifyPaid(held: Ledger, verify?: Verify) {
  const steps: VerifyStep[] = [];
  const done = deskOf(held, verify).verifyLine(
    paid.entry.id,
    (step) => steps.push(step),
    () => undefined,
  );
  return { steps, outcome: await done.outcome };
}

beforeAll(async () => {
  world = await createEconomyWorld();
  const payer = world.member('payer');
  host = world.member('host');
  const grant = await world.grant(world.founder, payer, credits(5));
  await world.claim(payer, grant);
  paid = await world.reserve(payer, host);
  const done = await world.work(paid);
  await world.propose(host, paid, done);
  const closing = await world.close(paid, { outcome: 'settled', work: done });
  await world.write(payer, closing.event, closing.refs, closing.inside);
  // More than there is: refused.
  await world.reserve(payer, host, { amountMicros: credits(100) });
  const reader = world.member('reader');
  ledger = await ledgerOf(reader);
  for (const { nodeId, entries } of world.members)
    if (entries.length > 0)
      unwrap(
        await ledger.receive(
          nodeId,
          0,
          entries.map(({ bytes }) => bytes),
        ),
      );
});

describe('an audit of the community', () => {
  test('works everything out from nothing, comes to the same, and lists what broke a rule', async () => {
    const audit = unwrap(await deskOf(ledger).audit(() => undefined).outcome);
    expect(audit).toMatchObject({ same: true, differences: [], logs: 3, waiting: [], forgers: [] });
    expect(audit.digests!.anew).toBe(ledger.state.digest());
    expect(audit.digests!.inUse).toBe(audit.digests!.anew);
    expect(audit.supply).toEqual({ balancesMicros: 0, mintedMicros: 0 });
    expect(audit.refusals).toMatchObject([{ author: world.member('payer').nodeId, rule: 'overdraft' }]);
    expect(audit.entries).toBe(world.members.reduce((sum, { entries }) => sum + entries.length, 0));
  });

  test('says whose entry no longer verifies', async () => {
    const outcome = await deskOf(ledger, async (node) => node !== host.nodeId).audit(() => undefined).outcome;
    expect(outcome).toMatchObject({ ok: false, error: { code: 'ledger_damaged' } });
    expect(outcome.ok ? '' : outcome.error.message).toContain(host.nodeId);
  });

  test('stops when it is told to', async () => {
    const run = deskOf(ledger).audit(() => undefined);
    run.cancel();
    expect(await run.outcome).toMatchObject({ ok: false, error: { code: 'stopped' } });
  });

  test('shows who signed two histories, with both entries', async () => {
    const held = await ledgerOf(world.member('second reader'));
    const forger = world.member('forger');
    const first = await world.write(forger, { kind: 'contribution.decided', on: true });
    const twin = world.twinOf(forger, 0);
    const second = await world.write(twin, { kind: 'contribution.decided', on: false });
    const proof = equivocationOf(
      { id: first.entry.id, bytes: first.bytes },
      { id: second.entry.id, bytes: second.bytes },
    );
    unwrap(await held.receiveProof(proof));
    const audit = unwrap(await deskOf(held).audit(() => undefined).outcome);
    expect(audit.forgers).toEqual([{ node: forger.nodeId, seq: 0, entries: [first.entry.id, second.entry.id].sort() }]);
    expect(audit.same).toBe(true);
  });
});

describe('verifying one line', () => {
  test('tells each step: bytes, signatures, id, charge, share, sum, replay, and that it came to the same', async () => {
    const { steps, outcome } = await verifyPaid(ledger);
    expect(unwrap(outcome)).toEqual({ good: true, steps });
    expect(steps).toHaveLength(8);
    expect(steps.every(({ good }) => good)).toBe(true);
    expect(steps[1]!.nodes).toContain(host.nodeId);
  });

  test('ends where a signature does not hold, and says whose', async () => {
    const { steps, outcome } = await verifyPaid(ledger, async (node) => node !== host.nodeId);
    expect(unwrap(outcome).good).toBe(false);
    expect(steps.at(-1)).toMatchObject({ good: false });
    expect(steps.at(-1)!.nodes).toContain(host.nodeId);
  });

  test('knows nothing of a line that is not there', async () => {
    const run = deskOf(ledger).verifyLine(
      'nothing',
      () => undefined,
      () => undefined,
    );
    expect(await run.outcome).toMatchObject({ ok: false, error: { code: 'unknown_line' } });
  });
});

test('two states are the same whatever the order of their keys, and not when one figure differs', () => {
  expect(isSame({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toBe(true);
  expect(isSame({ a: 1, b: [{ c: null }] }, { a: 1, b: [{ c: 0 }] })).toBe(false);
  expect(isSame({ a: 1 }, { a: 1, b: undefined })).toBe(false);
});
