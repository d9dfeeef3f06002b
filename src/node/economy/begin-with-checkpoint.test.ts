import { beforeEach, expect, it } from 'vitest';
import type { NodeId } from '#core/base/ids';
import { fail, ok, unwrap } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { signCheckpoint, type CertifiedCheckpoint } from '#core/ledger/certified-checkpoint';
import type { Ledger } from '#core/ledger/ledger';
import { createLedgerCheckpointHandler } from '#services/ledger-checkpoint/handler';
import type { LedgerCheckpointInput, LedgerCheckpointOutput } from '#services/ledger-checkpoint/contract';
import { createEconomyWorld } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createBeginning } from './begin-with-checkpoint';
import { LEAST_NEW_ENTRIES } from './checkpointing';

const [HONEST, STALLING] = ['a'.repeat(64), 'b'.repeat(64)] as [NodeId, NodeId];
const STALL_MS = 10_000;

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
) {
  const ledger = await openAs('newcomer');
  const handler = createLedgerCheckpointHandler(async () => certified);
  let parts = 0;
  const kept: CertifiedCheckpoint[] = [];
  const bus = {
    async call(_capability: unknown, input: LedgerCheckpointInput, { provider }: { readonly provider: NodeId }) {
      if (input.part !== null) parts += 1;
      const said = unwrap(await handler(input, undefined as never));
      const given = input.part === null ? said : await answer(provider, said);
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
  const holder = await openAs('holder');
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
  await clock.runUntil(Promise.all([HONEST, STALLING].map((peer) => beginning.from(peer))));
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

it('takes it from the next where one gives other bytes, too many, or none', async () => {
  for (const spoil of [
    (said: LedgerCheckpointOutput) => ({ ...said, bytes: said.bytes.map((byte) => byte ^ 1) }),
    (said: LedgerCheckpointOutput) => ({ ...said, bytes: new Uint8Array(said.bytes.length + 1) }),
    (said: LedgerCheckpointOutput) => ({ ...said, bytes: new Uint8Array(0) }),
  ]) {
    const { ledger, beginning } = await newcomerAmong(async (peer, said) => (peer === HONEST ? said : spoil(said)));
    await clock.runUntil(beginning.from(STALLING));
    expect(ledger.start).toBe(null);
    await clock.runUntil(beginning.from(HONEST));
    expect(ledger.start).not.toBe(null);
  }
});
