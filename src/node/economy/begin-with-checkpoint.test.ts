import { beforeEach, expect, it, vi } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { fail, ok, unwrap } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { signCheckpoint, type CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { ledgerHeads, type LedgerHeadsInput } from '#services/ledger-heads/contract';
import { createLedgerHeadsHandler } from '#services/ledger-heads/handler';
import { ledgerRead, type LedgerReadInput } from '#services/ledger-read/contract';
import { createLedgerReadHandler } from '#services/ledger-read/handler';
import { createLedgerCheckpointHandler } from '#services/ledger-checkpoint/handler';
import type { LedgerCheckpointInput, LedgerCheckpointOutput } from '#services/ledger-checkpoint/contract';
import { createEconomyWorld } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createBeginning } from './begin-with-checkpoint';
import { LEAST_NEW_ENTRIES } from './checkpointing';

const [HONEST, STALLING] = ['a'.repeat(64), 'b'.repeat(64)] as [NodeId, NodeId];
const STALL_MS = 10_000;

let holder: Ledger;
let world: Awaited<ReturnType<typeof createEconomyWorld>>;
let certified: CertifiedCheckpoint;
const clock = createVirtualClock();

const openAs = (name: string): Promise<Ledger> => {
  const { community, manifest, verify, founder } = world;
  return openTestLedger(world.member(name).signer, { verify, in: { community, manifest, founder: founder.signer } });
};

/** A node that asks peers, and how often it asked for a part. */
async function newcomerAmong(
  answer: (peer: NodeId, said: LedgerCheckpointOutput) => Promise<LedgerCheckpointOutput | null>,
  stalls: 'parts' | 'all' = 'parts',
) {
  const ledger = await openAs('newcomer');
  const handler = createLedgerCheckpointHandler(async () => certified);
  const heads = createLedgerHeadsHandler(() => holder);
  const reads = createLedgerReadHandler(() => holder);
  let parts = 0;
  const kept: CertifiedCheckpoint[] = [];
  const bus = {
    async call({ id }: { readonly id: string }, asked: unknown, { provider }: { readonly provider: NodeId }) {
      if (id === ledgerHeads.id) return heads(asked as LedgerHeadsInput, undefined as never);
      if (id === ledgerRead.id) return reads(asked as LedgerReadInput, undefined as never);
      const input = asked as LedgerCheckpointInput;
      if (input.part !== null) parts += 1;
      const said = unwrap(await handler(input, undefined as never));
      const given = input.part === null && stalls === 'parts' ? said : await answer(provider, said);
      return given === null ? fail('deadline_exceeded', 'No answer came in time.') : ok(given);
    },
  } as unknown as Bus;
  const keep = async (one: CertifiedCheckpoint): Promise<void> => void kept.push(one);
  const beginning = createBeginning({ ledger, bus, clock, verify: world.verify, keep });
  return { ledger, beginning, kept, parts: () => parts };
}

beforeEach(async () => {
  world = await createEconomyWorld({ witnesses: ['w0'] });
  const author = world.member('author');
  for (let at = 0; at < LEAST_NEW_ENTRIES; at++) await world.write(author, { kind: 'contribution.decided', on: true });
  holder = await openAs('holder');
  unwrap(
    await holder.receive(
      author.nodeId,
      0,
      author.entries.map(({ bytes }) => bytes),
    ),
  );
  certified = unwrap(
    await signCheckpoint(world.member('w0').signer, world.community, holder.checkpoint()!, clock.now()),
  );
});

it('goes on from the checkpoint of a peer, keeps it for others, and asks nobody again', async () => {
  const { ledger, beginning, kept, parts } = await newcomerAmong(async (_, said) => said);
  await Promise.all([HONEST, STALLING].map((peer) => beginning.from(peer)));
  expect(ledger.start).not.toBe(null);
  expect(kept).toEqual([certified]);
  expect(parts()).toBe(1);
});

it('loses no more than a minute to peers that stall, however many they are', async () => {
  const { ledger, beginning, parts } = await newcomerAmong(async () => {
    await new Promise<void>((resolve) => clock.after(STALL_MS, resolve));
    return null;
  });
  const beganMs = clock.monotonicMs();
  await clock.runUntil(Promise.all(Array.from({ length: 50 }, () => beginning.from(STALLING))));
  expect(clock.monotonicMs() - beganMs).toBeLessThanOrEqual(60_000 + STALL_MS);
  expect(parts()).toBeLessThan(10);
  expect(ledger.start).toBe(null);
});

it('loses no more to peers that do not even say what they have', async () => {
  const { beginning } = await newcomerAmong(async () => {
    await new Promise<void>((resolve) => clock.after(STALL_MS, resolve));
    return null;
  }, 'all');
  const beganMs = clock.monotonicMs();
  await clock.runUntil(Promise.all(Array.from({ length: 50 }, () => beginning.from(STALLING))));
  expect(clock.monotonicMs() - beganMs).toBeLessThanOrEqual(60_000 + STALL_MS);
});

it('does not begin with what covers little of what the peer holds by now', async () => {
  const { ledger, beginning, parts } = await newcomerAmong(async (_, said) => said);
  const author = world.member('author');
  for (let at = 0; at < LEAST_NEW_ENTRIES / 2; at++)
    await world.write(author, { kind: 'contribution.decided', on: true });
  unwrap(
    await holder.receive(
      author.nodeId,
      LEAST_NEW_ENTRIES,
      author.entries.slice(LEAST_NEW_ENTRIES).map(({ bytes }) => bytes),
    ),
  );
  await beginning.from(HONEST);
  expect([ledger.start, parts()]).toEqual([null, 0]);
});

it('fills what is missing, and proves a forgery where another beginning was given before', async () => {
  const author = world.member('author');
  const honest = await newcomerAmong(async (_, said) => said);
  await honest.beginning.from(HONEST);
  await clock.runUntil(honest.beginning.fill(HONEST));
  expect(unwrap(await honest.ledger.missing())).toEqual([]);
  expect(unwrap(await honest.ledger.export())).toBe(unwrap(await holder.export()));

  const { ledger, beginning } = await newcomerAmong(async (_, said) => said);
  await beginning.from(HONEST);
  const other = await world.write(world.twinOf(author, 0), { kind: 'contribution.decided', on: false });
  unwrap(await ledger.receiveBeginning(author.nodeId, 0, [other.bytes]));
  await clock.runUntil(beginning.fill(HONEST));
  expect(ledger.proofs).toHaveLength(1);
  expect(unwrap(await ledger.missing())).toEqual([]);
});

it('fills what is missing although it broke once', async () => {
  const { ledger, beginning } = await newcomerAmong(async (_, said) => said);
  await beginning.from(HONEST);
  const broken = vi.spyOn(ledger, 'missing').mockRejectedValueOnce(new Error('a fault of ours'));
  await expect(beginning.fill(HONEST)).rejects.toThrow('a fault of ours');
  broken.mockRestore();
  await clock.runUntil(beginning.fill(HONEST));
  expect(unwrap(await ledger.missing())).toEqual([]);
});

it('takes it from the next where one gives other bytes, too many, or none', async () => {
  for (const spoil of [
    (said: LedgerCheckpointOutput) => ({ ...said, bytes: said.bytes.map((byte) => byte ^ 1) }),
    (said: LedgerCheckpointOutput) => ({ ...said, bytes: new Uint8Array(said.bytes.length + 1) }),
    (said: LedgerCheckpointOutput) => ({ ...said, bytes: new Uint8Array(0) }),
  ]) {
    const { ledger, beginning } = await newcomerAmong(async (peer, said) => (peer === HONEST ? said : spoil(said)));
    await beginning.from(STALLING);
    expect(ledger.start).toBe(null);
    await beginning.from(HONEST);
    expect(ledger.start).not.toBe(null);
  }
});
