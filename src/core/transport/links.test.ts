import { describe, expect, it } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createMemoryWorld, type MemoryWorldOptions } from '#adapters/transport-memory/memory-world';
import { createVerify } from '#adapters/verify-noble';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { NodeId } from '../base/ids';
import { fail, ok, unwrap } from '../base/result';
import { MAX_MESSAGE_BYTES } from '../wire/limits';
import { createFramedChannel } from './framed-channel';
import { shakeHands } from './handshake';
import { createLinks, type LinksDeps } from './links';
import type { Link, LinkEvent, Links, Network, RawChannel } from './ports';

const verify = createVerify();
const signers = [1, 2, 3, 4, 5, 6, 7, 8]
  .map((seed) => createSeedSigner(new Uint8Array(32).fill(seed)))
  .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));

interface TestNode {
  readonly id: NodeId;
  readonly network: Network;
  readonly links: Links;
  readonly seen: string[];
  /** Resolves with the next event of this kind, also one that has happened already but was not waited for. */
  event<T extends LinkEvent['type']>(type: T): Promise<Extract<LinkEvent, { type: T }>>;
}

function setUp(options: Partial<MemoryWorldOptions> = {}) {
  const clock = createVirtualClock();
  const chance = createSeededChance(7);
  const world = createMemoryWorld({ clock, chance, ...options });
  /** Nodes are numbered by their ids: 0 has the smallest. */
  const node = async (index: number, change: Partial<LinksDeps> = {}): Promise<TestNode> => {
    const signer = signers[index]!;
    const network = world.network(signer.nodeId);
    const links = createLinks({
      network,
      signer,
      verify,
      clock,
      chance,
      admit: async () => ok({ trust: 'member' }),
      credential: () => new Uint8Array(),
      community: 'home',
      ...change,
    });
    const seen: string[] = [];
    const unread: LinkEvent[] = [];
    const readers: { type: string; resolve: (event: never) => void }[] = [];
    links.events.on((event) => {
      seen.push(
        event.type === 'down'
          ? `down ${event.reason}`
          : event.type === 'unreachable'
            ? `unreachable ${event.code}`
            : event.type,
      );
      const at = readers.findIndex(({ type }) => type === event.type);
      if (at >= 0) readers.splice(at, 1)[0]!.resolve(event as never);
      else unread.push(event);
    });
    await clock.runUntil(network.start());
    return {
      id: signer.nodeId,
      network,
      links,
      seen,
      event: (type) =>
        new Promise((resolve) => {
          const at = unread.findIndex((event) => event.type === type);
          if (at >= 0) resolve(unread.splice(at, 1)[0] as never);
          else readers.push({ type, resolve });
        }),
    };
  };
  const linked = async (a: TestNode, b: TestNode): Promise<{ toB: Link; toA: Link }> => {
    a.links.want(b.id);
    const [up, other] = await clock.runUntil(Promise.all([a.event('up'), b.event('up')]));
    return { toB: up.link, toA: other.link };
  };
  return { clock, chance, world, node, linked };
}

const nextMessage = (link: Link): Promise<Uint8Array> => new Promise((resolve) => void link.messages.on(resolve));

describe('links', () => {
  it('dials a wanted peer and carries messages both ways, whole and in order', async () => {
    const { clock, node, linked } = setUp({ bytesPerMs: 100 });
    const [a, b] = [await node(0), await node(1)];
    const { toB, toA } = await linked(a, b);
    const sizes: number[] = [];
    const all = new Promise<void>((resolve) => {
      toA.messages.on((message) => {
        sizes.push(message.length);
        if (sizes.length === 4) resolve();
      });
    });
    const sent = [3, MAX_MESSAGE_BYTES, 0, 40_000].map((length) => toB.send(new Uint8Array(length)));
    await clock.runUntil(Promise.all([all, ...sent]));
    expect(sizes).toEqual([3, MAX_MESSAGE_BYTES, 0, 40_000]);
    const back = nextMessage(toB);
    void toA.send(Uint8Array.of(1, 2));
    expect([...(await clock.runUntil(back))]).toEqual([1, 2]);
    expect(await toB.send(new Uint8Array(MAX_MESSAGE_BYTES + 1))).toMatchObject({ error: { code: 'too_large' } });
  });

  it('reaches a peer whose word is needed, also where no further link would be dialled, and says when it cannot', async () => {
    const { clock, node, linked } = setUp();
    const limits = { dialUpTo: 1, maxLinks: 2 };
    const [a, b, c, d] = [await node(0, { limits }), await node(1), await node(2), await node(3)];
    await linked(a, b);
    expect(await a.links.reach(b.id, 1_000)).toBe(true);
    expect(await a.links.reach(a.id, 1_000)).toBe(true);
    // Wanted before it was needed: it had to wait for a free place.
    a.links.want(c.id);
    await clock.advance(10_000);
    expect(a.links.to(c.id)).toBeNull();
    expect(await clock.runUntil(a.links.reach(c.id, 5_000))).toBe(true);
    expect(a.links.to(c.id)?.state).toBe('live');
    // Every place is taken now, and somebody who is not there cannot be reached at all.
    expect(await clock.runUntil(a.links.reach(d.id, 5_000))).toBe(false);
    expect(await clock.runUntil(b.links.reach('f'.repeat(64), 5_000))).toBe(false);
  });

  it('keeps one link when two peers dial each other at once: the one from the smaller id', async () => {
    const { clock, node, chance } = setUp();
    const [a, b] = [await node(0), await node(1)];
    const dialled: boolean[] = [];
    for (const { network } of [a, b]) network.incoming.on(() => dialled.push(true));
    b.links.want(a.id);
    // The larger id waits for the smaller one out of courtesy; here that pause has just ended.
    await clock.advance(249);
    a.links.want(b.id);
    await clock.advance(2_000);
    expect(dialled.length).toBe(2);
    expect([a.links.all.length, b.links.all.length]).toEqual([1, 1]);
    const message = nextMessage(b.links.to(a.id)!);
    void a.links.to(b.id)!.send(chance.bytes(3));
    expect((await clock.runUntil(message)).length).toBe(3);
    await clock.advance(20_000);
    expect([a.links.all.length, b.links.all.length]).toEqual([1, 1]);
    expect([a.links.to(b.id)!.state, b.links.to(a.id)!.state]).toEqual(['live', 'live']);
  });

  it('measures the round trip without the time that a beat waited at the other side', async () => {
    const { clock, node, linked } = setUp({ latencyMs: { min: 40, max: 40 } });
    const [a, b] = [await node(0), await node(1)];
    const { toB, toA } = await linked(a, b);
    expect(toB.rttMs).toBeNull();
    await clock.advance(200);
    expect(toB.rttMs).toBe(80);
    await clock.advance(10_000);
    expect(Math.round(toB.rttMs!)).toBe(80);
    expect(Math.round(toA.rttMs!)).toBe(80);
  });

  it('suspects a silent peer at 6 s, closes at 15 s, and redials it', async () => {
    const { clock, node, linked, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    const { toB } = await linked(a, b);
    await clock.advance(10_000);
    const crashedAtMs = clock.monotonicMs();
    world.crash(b.id);
    await clock.runUntil(a.event('suspect'));
    const suspectAfterMs = clock.monotonicMs() - crashedAtMs;
    expect(toB.state).toBe('suspect');
    const down = await clock.runUntil(a.event('down'));
    const downAfterMs = clock.monotonicMs() - crashedAtMs;
    expect(down.reason).toBe('silent');
    // The last sign of life is at most one beat old when the peer crashes; judging happens twice a second.
    expect(suspectAfterMs).toBeGreaterThan(4_000 - 1);
    expect(suspectAfterMs).toBeLessThanOrEqual(6_500);
    expect(downAfterMs).toBeGreaterThan(13_000 - 1);
    expect(downAfterMs).toBeLessThanOrEqual(15_500);
    const back = await node(1);
    const up = await clock.runUntil(a.event('up'));
    expect(up.link.peer).toBe(back.id);
  });

  it('takes any frame as a sign of life, and a suspect that speaks is live again', async () => {
    const { clock, node, linked, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    await linked(a, b);
    world.cut(a.id, b.id);
    await clock.runUntil(a.event('suspect'));
    world.mend(a.id, b.id);
    await clock.runUntil(a.event('live'));
    expect(a.links.to(b.id)!.state).toBe('live');
  });

  it('does not blame peers for a time in which this node itself stood still', async () => {
    const { clock, node, linked } = setUp();
    const stalled = {
      ...clock,
      every: (periodMs: number, run: () => void) => clock.every(periodMs === 500 ? 10_000 : periodMs, run),
    };
    const [a, b] = [await node(0, { clock: stalled }), await node(1)];
    await linked(a, b);
    await clock.advance(41_000);
    expect(a.seen).not.toContain('suspect');
    expect(a.seen).not.toContain('down silent');
  });

  it('finds silent peers within 2 s when asked to probe', async () => {
    const { clock, node, linked, world } = setUp();
    const [a, b, c] = [await node(0), await node(1), await node(2)];
    await linked(a, b);
    await linked(a, c);
    world.crash(c.id);
    await clock.advance(100);
    a.links.probe();
    await clock.advance(2_000);
    expect([a.links.to(b.id)!.state, a.links.to(c.id)!.state]).toEqual(['live', 'suspect']);
  });

  it('tells peers at once that it leaves, and they do not redial', async () => {
    const { clock, node, linked } = setUp();
    const [a, b] = [await node(0), await node(1)];
    await linked(a, b);
    await b.links.close();
    const down = await clock.runUntil(a.event('down'));
    expect(down.reason).toBe('leaving');
    await clock.advance(60_000);
    expect(a.seen).toEqual(['up', 'down leaving']);
  });

  it('puts the new link of a peer that started anew in place of the old one', async () => {
    const { clock, node, linked, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    const { toB } = await linked(a, b);
    world.crash(b.id);
    await clock.advance(100);
    const again = await node(1);
    again.links.want(a.id);
    await clock.runUntil(again.event('up'));
    await clock.advance(100);
    expect(toB.state).toBe('closed');
    expect(a.links.all.length).toBe(1);
    expect(a.links.to(b.id)!.state).toBe('live');
    expect(a.seen).toContain('down replaced');
  });

  it('redials with growing, jittered pauses and says why a peer cannot be reached', async () => {
    const { clock, node, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    world.cut(a.id, b.id);
    a.links.want(b.id);
    const event = await clock.runUntil(a.event('unreachable'));
    expect(event).toMatchObject({ peer: b.id, code: 'unreachable' });
    expect(a.links.unreachable).toEqual([{ peer: b.id, code: 'unreachable', message: event.message }]);
    await clock.advance(60_000);
    expect(a.seen).toEqual(['unreachable unreachable']);
    world.mend(a.id, b.id);
    await clock.runUntil(a.event('up'));
    expect(a.links.unreachable).toEqual([]);
  });

  it('tries failed peers at once when it may use the configured servers', async () => {
    const { clock, node, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    const policies: string[] = [];
    const dial = a.network.dial;
    Object.assign(a.network, {
      dial: (peer: NodeId, policy: 'host-only' | 'configured') => (policies.push(policy), dial(peer, policy)),
    });
    world.cut(a.id, b.id);
    a.links.want(b.id);
    await clock.runUntil(a.event('unreachable'));
    world.mend(a.id, b.id);
    const beganMs = clock.monotonicMs();
    a.links.setIcePolicy('configured');
    await clock.runUntil(a.event('up'));
    expect(policies).toEqual(['host-only', 'configured']);
    expect(clock.monotonicMs() - beganMs).toBeLessThan(500);
  });

  it('gives up on a peer that is not there until it is wanted again', async () => {
    const { clock, node } = setUp();
    const a = await node(0);
    const absent = signers[5]!.nodeId;
    a.links.want(absent);
    await clock.advance(60_000);
    expect(a.seen).toEqual([]);
    const b = await node(5);
    a.links.want(absent);
    await clock.runUntil(b.event('up'));
  });

  it('dials as soon as the rendezvous is back', async () => {
    const { clock, node, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    world.setRendezvous(false);
    a.links.want(b.id);
    await clock.advance(60_000);
    world.setRendezvous(true);
    await clock.runUntil(a.event('up'));
  });

  it('keeps its links while the rendezvous is away', async () => {
    const { clock, node, linked, world } = setUp();
    const [a, b] = [await node(0), await node(1)];
    const { toB, toA } = await linked(a, b);
    world.setRendezvous(false);
    await clock.advance(60_000);
    expect(toB.state).toBe('live');
    const message = nextMessage(toA);
    void toB.send(Uint8Array.of(5));
    expect([...(await clock.runUntil(message))]).toEqual([5]);
  });

  it('opens no more links than its budget and the next one when a place is free', async () => {
    const { clock, node } = setUp();
    const a = await node(0, { limits: { dialUpTo: 2 } });
    const others = [await node(1), await node(2), await node(3)];
    for (const { id } of others) a.links.want(id);
    await clock.advance(5_000);
    expect(a.links.all.map(({ peer }) => peer)).toEqual([others[0]!.id, others[1]!.id]);
    a.links.forget(others[0]!.id);
    a.links.to(others[0]!.id)!.close('blocked');
    await clock.advance(5_000);
    expect(a.links.all.map(({ peer }) => peer)).toEqual([others[1]!.id, others[2]!.id]);
  });

  it('turns inbound links away above its limit', async () => {
    const { clock, node } = setUp();
    const a = await node(0, { limits: { maxLinks: 1 } });
    const [b, c] = [await node(1), await node(2)];
    b.links.want(a.id);
    await clock.runUntil(b.event('up'));
    c.links.want(a.id);
    await clock.advance(3_000);
    expect(a.links.all.length).toBe(1);
    expect(c.links.all.length).toBe(0);
  });

  it('has at most ten inbound handshakes under way', async () => {
    const { clock, node, world, chance } = setUp();
    const a = await node(0);
    const reasons: string[] = [];
    for (let count = 0; count < 14; count++) {
      const claimed = [...chance.bytes(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      world.impersonate(claimed, a.id).closed.on((reason) => reasons.push(reason));
    }
    await clock.advance(100);
    expect(reasons).toEqual(['busy', 'busy', 'busy', 'busy']);
    await clock.advance(6_000);
    expect(reasons.filter((reason) => reason === 'handshake_timeout').length).toBe(10);
  });

  it('closes on a peer that breaks the rules too often and refuses it for a minute', async () => {
    const { clock, node, linked } = setUp();
    const [a, b] = [await node(0), await node(1)];
    const { toB } = await linked(a, b);
    toB.violate('malformed');
    toB.violate('malformed');
    expect(toB.state).toBe('live');
    toB.violate('unknown_version');
    expect(toB.state).toBe('closed');
    const closedAtMs = clock.monotonicMs();
    b.links.want(a.id);
    await clock.advance(50_000);
    expect(a.links.all).toEqual([]);
    await clock.runUntil(a.event('up'));
    expect(clock.monotonicMs() - closedAtMs).toBeGreaterThanOrEqual(60_000);
  });

  it('refuses a claimed peer that failed to prove itself three times', async () => {
    const { clock, node, world } = setUp();
    const a = await node(0);
    const claimed = signers[1]!.nodeId;
    const reasons: string[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const hostile = world.impersonate(claimed, a.id);
      hostile.closed.on((reason) => reasons.push(reason));
      hostile.send(Uint8Array.of(9, 9, 9));
      await clock.advance(50);
    }
    expect(reasons).toEqual(['frame_too_short', 'frame_too_short', 'frame_too_short', 'refused', 'refused']);
  });

  it('counts garbage on a link against the peer and stays up itself', async () => {
    const { clock, node, world, chance } = setUp();
    const a = await node(0);
    const hostile: RawChannel = world.impersonate(signers[1]!.nodeId, a.id);
    const framed = createFramedChannel(hostile);
    const shaken = shakeHands(framed, {
      signer: signers[1]!,
      verify,
      clock,
      chance,
      admit: async () => ok({ trust: 'member' }),
      credential: () => new Uint8Array(),
      community: 'home',
      instance: chance.bytes(16),
    });
    expect((await clock.runUntil(shaken)).ok).toBe(true);
    for (let frame = 0; frame < 3; frame++) hostile.send(chance.bytes(100));
    const down = await clock.runUntil(a.event('down'));
    expect(down.reason).toMatch(/^(unknown_version|unknown_kind)$/);
    const c = await node(2);
    a.links.want(c.id);
    await clock.runUntil(c.event('up'));
  });

  it('closes with send_timeout when nothing leaves for ten seconds', async () => {
    const { clock, node, linked, world } = setUp({ bytesPerMs: 100_000 });
    const [a, b] = [await node(0), await node(1)];
    const { toB } = await linked(a, b);
    world.setBytesPerMs(0);
    const sends = Array.from({ length: 8 }, () => toB.send(new Uint8Array(MAX_MESSAGE_BYTES)));
    const results = await clock.runUntil(Promise.all(sends));
    expect(results.at(-1)).toMatchObject({ error: { code: 'send_timeout' } });
    expect(toB.state).toBe('closed');
    expect(await toB.send(Uint8Array.of(1))).toMatchObject({ error: { code: 'link_closed' } });
  });

  it('waits for a slow peer as long as something leaves', async () => {
    const { clock, node, linked, world } = setUp({ bytesPerMs: 100_000 });
    const [a, b] = [await node(0), await node(1)];
    const { toB, toA } = await linked(a, b);
    world.setBytesPerMs(20);
    let received = 0;
    toA.messages.on(() => received++);
    const sends = Array.from({ length: 16 }, () => toB.send(new Uint8Array(MAX_MESSAGE_BYTES)));
    const beganMs = clock.monotonicMs();
    for (const result of await clock.runUntil(Promise.all(sends))) unwrap(result);
    expect(clock.monotonicMs() - beganMs).toBeGreaterThan(100_000);
    await clock.advance(120_000);
    expect(received).toBe(16);
  });

  it('refuses to queue without end', async () => {
    const { node, linked, world } = setUp({ bytesPerMs: 100_000 });
    const [a, b] = [await node(0), await node(1)];
    const { toB } = await linked(a, b);
    world.setBytesPerMs(0);
    const sends = Array.from({ length: 60 }, () => toB.send(new Uint8Array(MAX_MESSAGE_BYTES)));
    expect(await sends.at(-1)!).toMatchObject({ error: { code: 'backlog_full' } });
  });

  it('leaves a peer alone for a minute that it was refused by', async () => {
    const { clock, node } = setUp();
    const a = await node(0);
    let asked = 0;
    await node(1, {
      admit: async () => {
        asked++;
        return fail('blocked', 'You blocked this node.');
      },
    });
    a.links.want(signers[1]!.nodeId);
    await clock.advance(55_000);
    expect(asked).toBe(1);
    expect(a.links.unreachable).toMatchObject([{ code: 'refused_by_peer' }]);
  });
});
