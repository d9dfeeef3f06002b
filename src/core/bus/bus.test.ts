import * as v from 'valibot';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../base/canonical';
import { utf8 } from '../base/bytes';
import { fail, ok, type Result } from '../base/result';
import { createLinks } from '../transport/links';
import type { Links, TrustLevel } from '../transport/ports';
import { createSeedSigner } from '#adapters/signer-seed';
import { createMemoryWorld, type MemoryWorld } from '#adapters/transport-memory/memory-world';
import { createVerify } from '#adapters/verify-noble';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';
import { createBus, type Bus } from './bus';
import { defineCapability, type ServiceDefinition } from './capability';
import { encodeBusMessage } from './messages';
import { createRoster, type Roster } from './roster';

const double = defineCapability<{ n: number }, { n: number }, { at: number }>({
  id: 'test.double@1',
  input: v.strictObject({ n: v.number() }),
  output: v.strictObject({ n: v.number() }),
  chunk: v.strictObject({ at: v.number() }),
  trust: 'member',
  timeoutMs: 5_000,
});

interface Party {
  readonly id: string;
  readonly bus: Bus;
  readonly roster: Roster;
  readonly links: Links;
}

let clock: VirtualClock;
let world: MemoryWorld;
let a: Party;
let b: Party;
let trust: TrustLevel;

function party(name: string): Party {
  const chance = createSeededChance(name.length);
  const signer = createSeedSigner(sha256(utf8(name)));
  const network = world.network(signer.nodeId);
  const links = createLinks({
    network,
    signer,
    verify: createVerify(),
    clock,
    chance,
    admit: async () => ok({ trust }),
    credential: () => new Uint8Array(),
    community: 'bafyroom00',
  });
  const roster = createRoster(() => clock.monotonicMs());
  const bus = createBus({
    self: signer.nodeId,
    links,
    roster,
    clock,
    chance,
    card: () => ({ contributing: false, models: [], runningJobs: 0, device: null }),
  });
  void network.start().then(() => network.join('bafyroom00'));
  return { id: signer.nodeId, bus, roster, links };
}

const offer = (
  to: Party,
  handler: (
    input: { n: number },
    emit: (chunk: { at: number }) => void,
    signal: AbortSignal,
  ) => Promise<Result<{ n: number }>>,
  offered = true,
) =>
  to.bus.register(
    {
      capability: double,
      load: async () => (input: { n: number }, context: { emit(chunk: { at: number }): void; signal: AbortSignal }) =>
        handler(input, context.emit, context.signal),
    } as unknown as ServiceDefinition<never, unknown, never>,
    offered,
  );

beforeEach(async () => {
  clock = createVirtualClock();
  world = createMemoryWorld({ clock, chance: createSeededChance(1) });
  trust = 'member';
  a = party('a');
  b = party('bb');
  a.links.want(b.id);
  await clock.advance(2_000);
  expect(a.links.to(b.id)).not.toBeNull();
});

afterEach(() => {
  a.bus.close();
  b.bus.close();
});

test('a call reaches the node that offers the capability, and its chunks come in order', async () => {
  offer(b, async ({ n }, emit) => {
    emit({ at: 1 });
    emit({ at: 2 });
    return ok({ n: n * 2 });
  });
  await clock.advance(1_000);
  const chunks: number[] = [];
  const result = await clock.runUntil(a.bus.call(double, { n: 4 }, { onChunk: (chunk) => chunks.push(chunk.at) }));
  expect(result).toEqual(ok({ n: 8 }));
  expect(chunks).toEqual([1, 2]);
});

test('nobody offers it is told apart from nobody answered in time', async () => {
  expect(await clock.runUntil(a.bus.call(double, { n: 1 }))).toMatchObject({ error: { code: 'nobody_offers' } });
  offer(b, () => new Promise(() => {}));
  await clock.advance(1_000);
  expect(await clock.runUntil(a.bus.call(double, { n: 1 }))).toMatchObject({ error: { code: 'no_answer' } });
});

test('a capability that is registered but not offered cannot be called from outside', async () => {
  offer(b, async ({ n }) => ok({ n }), false);
  await clock.advance(1_000);
  expect(await clock.runUntil(a.bus.call(double, { n: 1 }, { provider: b.id }))).toMatchObject({
    error: { code: 'nobody_offers' },
  });
  expect(await clock.runUntil(b.bus.call(double, { n: 1 }))).toEqual(ok({ n: 1 }));
});

test('input and output that break the contract reach nobody', async () => {
  let seen = 0;
  offer(b, async () => {
    seen += 1;
    return ok({ n: 'no' as never });
  });
  await clock.advance(1_000);
  expect(await clock.runUntil(a.bus.call(double, { n: 'x' as never }))).toMatchObject({ error: { code: 'bad_input' } });
  expect(seen).toBe(0);
  expect(await clock.runUntil(a.bus.call(double, { n: 1 }))).toMatchObject({ error: { code: 'bad_output' } });
});

test('cancelling and deadlines reach the handler on the other side', async () => {
  const aborted: string[] = [];
  offer(b, (_input, _emit, signal) => {
    signal.addEventListener('abort', () => aborted.push('abort'));
    return new Promise(() => {});
  });
  await clock.advance(1_000);
  const abort = new AbortController();
  const call = a.bus.call(double, { n: 1 }, { signal: abort.signal });
  await clock.advance(100);
  abort.abort();
  expect(await clock.runUntil(call)).toMatchObject({ error: { code: 'cancelled' } });
  await clock.advance(100);
  expect(aborted).toEqual(['abort']);
  await clock.runUntil(a.bus.call(double, { n: 1 }, { timeoutMs: 300 }));
  await clock.advance(100);
  expect(aborted).toHaveLength(2);
});

test('a lost link ends its calls at once', async () => {
  offer(b, () => new Promise(() => {}));
  await clock.advance(1_000);
  const call = a.bus.call(double, { n: 1 });
  await clock.advance(50);
  a.links.to(b.id)!.close('test');
  expect(await clock.runUntil(call)).toMatchObject({ error: { code: 'link_lost' } });
});

test('a failure keeps the code of the provider and only its words for peers', async () => {
  offer(b, async () => fail('no_luck', 'Secret path /x/y.', 'No luck today.'));
  await clock.advance(1_000);
  expect(await clock.runUntil(a.bus.call(double, { n: 1 }))).toEqual(fail('no_luck', 'No luck today.'));
});

test('a caller below the needed trust is refused', async () => {
  trust = 'unknown';
  const c = party('ccc');
  const d = party('dddd');
  offer(d, async ({ n }) => ok({ n }));
  c.links.want(d.id);
  await clock.advance(2_000);
  expect(await clock.runUntil(c.bus.call(double, { n: 1 }, { provider: d.id }))).toMatchObject({
    error: { code: 'not_trusted' },
  });
  c.bus.close();
  d.bus.close();
});

test('garbage is counted against the peer, and the budget of violations ends the link', async () => {
  const link = a.links.to(b.id)!;
  void link.send(Uint8Array.from([1, 2, 3]));
  void link.send(encodeBusMessage({ v: 2, t: 'cancel', id: 'x' } as never));
  void link.send(encodeBusMessage({ v: 1, t: 'nothing', id: 'x' } as never));
  void link.send(encodeBusMessage({ v: 1, t: 'chunk', id: 'x', seq: -1, bodies: [1] } as never));
  await clock.advance(500);
  const { refused } = b.bus.stats();
  expect(Object.keys(refused)).toEqual(expect.arrayContaining(['undecodable', 'unknown_version']));
  expect(a.links.to(b.id)).toBeNull();
});

test('what is offered later is announced, and a card that was said before is refused', async () => {
  expect(a.roster.offering(double.id)).toEqual([]);
  offer(b, async ({ n }) => ok({ n }));
  await clock.advance(1_000);
  expect(a.roster.offering(double.id).map((entry) => entry.node)).toEqual([b.id]);
  b.bus.offer(double.id, false);
  await clock.advance(1_000);
  expect(a.roster.offering(double.id)).toEqual([]);
  const replay = { seq: 0, contributing: true, capabilities: [double.id], models: [], runningJobs: 0, device: null };
  void b.links.to(a.id)!.send(encodeBusMessage({ v: 1, t: 'card', card: replay }));
  await clock.advance(500);
  expect(a.roster.offering(double.id)).toEqual([]);
  expect(a.bus.stats().refused['replayed_card']).toBe(1);
});

test('a research feature is refused while its flag is off', async () => {
  const capability = { ...double, id: 'test.research@1', research: 'sharding' } as const;
  const service = { capability, load: async () => async () => ok({ n: 1 }) } as unknown as ServiceDefinition<
    never,
    unknown,
    never
  >;
  expect(b.bus.register(service, true)).toMatchObject({ ok: false, error: { code: 'research_off' } });
  expect(b.bus.has('test.research@1')).toBe(false);
});
