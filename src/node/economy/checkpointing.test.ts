import { beforeEach, expect, it, vi } from 'vitest';
import { fail, unwrap } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { openCertified, type LedgerCheckpoint } from '#core/ledger/certified-checkpoint';
import { equivocationOf } from '#core/ledger/chain';
import type { Ledger } from '#core/ledger/ledger';
import type { NodeStorage } from '#core/storage/ports';
import { createWitnessCheckpointHandler } from '#services/witness-checkpoint/handler';
import type { WitnessCheckpointInput } from '#services/witness-checkpoint/contract';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createEconomyWorld, type Member } from '#tests/fakes/economy-world';
import { openTestLedger } from '#tests/fakes/test-community';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { LEAST_NEW_ENTRIES, startCheckpointing, type Checkpointing } from './checkpointing';

const QUIET_MS = 5_000;
const HOUR_MS = 3_600_000;

let world: Awaited<ReturnType<typeof createEconomyWorld>>;
let clock: VirtualClock;
let author: Member;

beforeEach(async () => {
  world = await createEconomyWorld({ witnesses: ['w0', 'w1'] });
  clock = createVirtualClock(world.nowMs);
  author = world.member('author');
});

async function openAs(name: string): Promise<{ readonly ledger: Ledger; readonly storage: NodeStorage }> {
  const storage = await openMemoryStorage();
  const { community, manifest, verify, founder } = world;
  const ledger = await openTestLedger(world.member(name).signer, {
    storage,
    clock,
    verify,
    in: { community, manifest, founder: founder.signer },
  });
  return { ledger, storage };
}

/** Two witnesses that hold the same; the second answers while it is there. */
async function witnesses() {
  const [first, second] = [await openAs('w0'), await openAs('w1')];
  let asked = 0;
  let isThere = true;
  const handler = createWitnessCheckpointHandler({
    signer: world.member('w1').signer,
    verify: world.verify,
    clock,
    ledger: () => second.ledger,
  });
  const bus = {
    async call(_capability: unknown, input: WitnessCheckpointInput) {
      asked += 1;
      return isThere ? handler(input, { caller: world.member('w0').nodeId } as never) : fail('no_answer', 'Away.');
    },
  } as unknown as Bus;
  const { records } = first.storage;
  const start = (): Checkpointing =>
    startCheckpointing({
      links: { reach: async () => true },
      signer: world.member('w0').signer,
      verify: world.verify,
      clock,
      records,
      ledger: first.ledger,
      bus,
    });
  const checkpointing = start();
  const bring = async (by: Member): Promise<void> => {
    for (const { ledger } of [first, second]) {
      const from = ledger.heads().find((head) => head.author === by.nodeId)?.length ?? 0;
      const rest = by.entries.slice(from).map(({ bytes }) => bytes);
      if (rest.length > 0) unwrap(await ledger.receive(by.nodeId, from, rest));
    }
  };
  const write = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++) await world.write(author, { kind: 'contribution.decided', on: true });
    await bring(author);
  };
  return {
    ledgers: [first.ledger, second.ledger],
    checkpointing,
    records,
    startAgain: start,
    write,
    bring,
    asked: () => asked,
    leave: () => (isThere = false),
    comeBack: () => (isThere = true),
  };
}

async function latestOf(checkpointing: Checkpointing): Promise<LedgerCheckpoint | null> {
  const latest = await checkpointing.latest();
  return latest && unwrap(await openCertified(latest.signed, world.community, world.verify));
}

it('certifies when enough came new and all is quiet, and not before a tenth came new again', async () => {
  const { checkpointing, write, asked } = await witnesses();
  await write(LEAST_NEW_ENTRIES - 1);
  await clock.advance(QUIET_MS);
  expect(await latestOf(checkpointing)).toBe(null);
  await write(1);
  await clock.advance(QUIET_MS - 1);
  expect(asked()).toBe(0);
  await clock.advance(1);
  expect(await latestOf(checkpointing)).toMatchObject({ logs: 1, entries: LEAST_NEW_ENTRIES });
  await write(LEAST_NEW_ENTRIES - 1);
  await clock.advance(QUIET_MS);
  expect(asked()).toBe(1);
  checkpointing.stop();
});

it('asks a witness that is away less and less often', async () => {
  const { checkpointing, write, asked, leave, comeBack } = await witnesses();
  leave();
  await write(LEAST_NEW_ENTRIES);
  for (let at = 0; at < 100; at++) {
    await write(1);
    await clock.advance(QUIET_MS);
  }
  expect(asked()).toBeGreaterThan(2);
  expect(asked()).toBeLessThan(8);
  comeBack();
  await clock.advance(HOUR_MS);
  expect(await latestOf(checkpointing)).toMatchObject({ entries: LEAST_NEW_ENTRIES + 100 });
  checkpointing.stop();
});

it('certifies anew when a forgery is known, though less is covered, and no more often for what the forger wrote', async () => {
  const { ledgers, checkpointing, write, bring, asked } = await witnesses();
  const forger = world.member('forger');
  for (let at = 0; at < 20; at++) await world.write(forger, { kind: 'contribution.decided', on: true });
  await bring(forger);
  await write(LEAST_NEW_ENTRIES);
  await clock.advance(QUIET_MS);
  expect(await latestOf(checkpointing)).toMatchObject({ logs: 2, entries: LEAST_NEW_ENTRIES + 20 });
  const [first] = forger.entries;
  const other = await world.write(world.twinOf(forger, 0), { kind: 'contribution.decided', on: false });
  const proof = equivocationOf(
    { id: first!.entry.id, bytes: first!.bytes },
    { id: other.entry.id, bytes: other.bytes },
  );
  for (const ledger of ledgers) unwrap(await ledger.receiveProof(proof));
  await clock.advance(QUIET_MS);
  expect(await latestOf(checkpointing)).toMatchObject({ logs: 1, entries: LEAST_NEW_ENTRIES });
  const before = asked();
  await write(1);
  await clock.advance(QUIET_MS);
  expect(asked()).toBe(before);
  checkpointing.stop();
});

it('does not take a checkpoint that covers less for the latest, where that could not be read at once', async () => {
  const { checkpointing, records, startAgain, write } = await witnesses();
  await write(LEAST_NEW_ENTRIES);
  await clock.advance(QUIET_MS);
  const older = (await checkpointing.latest())!;
  await write(LEAST_NEW_ENTRIES);
  await clock.advance(QUIET_MS);
  expect(await latestOf(checkpointing)).toMatchObject({ entries: 2 * LEAST_NEW_ENTRIES });
  checkpointing.stop();

  vi.spyOn(records, 'get').mockResolvedValueOnce(fail('storage_unavailable', 'Not now.'));
  const again = startAgain();
  await again.keep(older);
  expect(await latestOf(again)).toMatchObject({ entries: 2 * LEAST_NEW_ENTRIES });
  again.stop();
});

it('goes on certifying after a try broke', async () => {
  const { ledgers, checkpointing, write } = await witnesses();
  vi.spyOn(ledgers[0]!, 'checkpoint').mockImplementationOnce(() => {
    throw new Error('a fault of ours');
  });
  await write(LEAST_NEW_ENTRIES);
  await clock.advance(HOUR_MS);
  expect(await latestOf(checkpointing)).toMatchObject({ entries: LEAST_NEW_ENTRIES });
  checkpointing.stop();
});
