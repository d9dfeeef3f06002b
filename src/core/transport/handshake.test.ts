import { describe, expect, it } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createMemoryWorld } from '#adapters/transport-memory/memory-world';
import { createVerify } from '#adapters/verify-noble';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { utf8 } from '../base/bytes';
import { decodeCanonical, encodeCanonical } from '../base/canonical';
import { fail, ok, unwrap, type Result } from '../base/result';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { linkProofBody, type Control, type Hello } from './control-messages';
import { createFramedChannel, type FramedChannel } from './framed-channel';
import { shakeHands, type Authenticated, type HandshakeDeps } from './handshake';
import type { RawChannel } from './ports';

const signerOf = (seed: number) => createSeedSigner(new Uint8Array(32).fill(seed));
const alice = signerOf(1);
const bob = signerOf(2);
const mallory = signerOf(3);
const verify = createVerify();

function setUp() {
  const clock = createVirtualClock();
  const chance = createSeededChance(1);
  const world = createMemoryWorld({ clock, chance });
  const deps = (signer: typeof alice, change: Partial<HandshakeDeps> = {}): HandshakeDeps => ({
    signer,
    verify,
    clock,
    chance,
    admit: async () => ok({ trust: 'member' }),
    credential: () => utf8('credential'),
    community: 'home',
    instance: chance.bytes(16),
    ...change,
  });
  /** Alice dials Bob; resolves to both ends. */
  const channels = async (): Promise<{ toBob: RawChannel; toAlice: RawChannel }> => {
    const [a, b] = [world.network(alice.nodeId), world.network(bob.nodeId)];
    await clock.runUntil(Promise.all([a.start(), b.start()]));
    const incoming = new Promise<RawChannel>((resolve) => void b.incoming.on(resolve));
    const toBob = unwrap(await clock.runUntil(a.dial(bob.nodeId, 'host-only')));
    return { toBob, toAlice: await clock.runUntil(incoming) };
  };
  return { clock, chance, world, deps, channels };
}

const codeOf = (result: Result<Authenticated>): string => (result.ok ? 'fine' : result.error.code);

/** Runs a hostile end by hand: says what it is told and remembers what it hears. */
function byHand(channel: RawChannel) {
  const framed = createFramedChannel(channel);
  const heard: Record<string, unknown>[] = [];
  let wake = (): void => {};
  framed.received.on((item) => {
    if (item.kind !== 'control') return;
    heard.push(decode(item.bytes));
    wake();
  });
  return {
    framed,
    say: (message: Control) => framed.sendControl(message),
    async hear<T = Record<string, unknown>>(type: string): Promise<T> {
      for (;;) {
        const found = heard.find((message) => message['type'] === type);
        if (found !== undefined) return found as T;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

const decode = (bytes: Uint8Array): Record<string, unknown> =>
  unwrap(decodeCanonical(bytes)) as Record<string, unknown>;

const helloOf = (node: string, change: Partial<Hello> = {}): Hello => ({
  v: 1,
  type: 'hello',
  community: 'home',
  node,
  nonce: new Uint8Array(32).fill(9),
  instance: new Uint8Array(16),
  credential: new Uint8Array(),
  ...change,
});

describe('handshake', () => {
  it('proves both keys to each other and hands on what admission said', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const seen: string[] = [];
    const both = Promise.all([
      shakeHands(createFramedChannel(toBob), deps(alice)),
      shakeHands(
        createFramedChannel(toAlice),
        deps(bob, {
          admit: async (peer, credential) => {
            seen.push(`${peer === alice.nodeId} ${new TextDecoder().decode(credential)}`);
            return ok({ trust: 'trusted' });
          },
        }),
      ),
    ]);
    const [a, b] = await clock.runUntil(both);
    expect(unwrap(a).peer).toBe(bob.nodeId);
    expect(unwrap(b)).toMatchObject({ peer: alice.nodeId, admission: { trust: 'trusted' } });
    expect(seen).toEqual(['true credential']);
  });

  it('carries a credential of the largest size', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const large = { credential: () => new Uint8Array(MAX_SIGNED_BYTES) };
    const results = await clock.runUntil(
      Promise.all([
        shakeHands(createFramedChannel(toBob), deps(alice, large)),
        shakeHands(createFramedChannel(toAlice), deps(bob, large)),
      ]),
    );
    expect(results.map(codeOf)).toEqual(['fine', 'fine']);
  });

  it('refuses on both sides when somebody sits between with other certificates', async () => {
    const { clock, world, deps, channels } = setUp();
    world.lieAboutBindings(true);
    const { toBob, toAlice } = await channels();
    const results = await clock.runUntil(
      Promise.all([
        shakeHands(createFramedChannel(toBob), deps(alice)),
        shakeHands(createFramedChannel(toAlice), deps(bob)),
      ]),
    );
    for (const result of results) expect(['bad_signature', 'refused_by_peer']).toContain(codeOf(result));
    expect(results.map(codeOf)).toContain('bad_signature');
  });

  it('refuses a peer that claims a key which it does not hold', async () => {
    const { clock, world, deps } = setUp();
    const network = world.network(bob.nodeId);
    await clock.runUntil(network.start());
    const incoming = new Promise<RawChannel>((resolve) => void network.incoming.on(resolve));
    const hostile = world.impersonate(alice.nodeId, bob.nodeId);
    const result = shakeHands(createFramedChannel(await clock.runUntil(incoming)), deps(bob));
    // Mallory says that she is Alice, and signs with her own key.
    void shakeHands(createFramedChannel(hostile), deps({ ...mallory, nodeId: alice.nodeId }));
    expect(codeOf(await clock.runUntil(result))).toBe('bad_signature');
  });

  it('refuses a peer that is not who the rendezvous said', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const result = shakeHands(createFramedChannel(toBob), deps(alice));
    void shakeHands(createFramedChannel(toAlice), deps(mallory));
    expect(codeOf(await clock.runUntil(result))).toBe('claimed_peer_mismatch');
  });

  it('refuses a proof that was given on an earlier channel', async () => {
    const { clock, deps, channels } = setUp();
    const first = await channels();
    const recorder = byHand(first.toAlice);
    void shakeHands(createFramedChannel(first.toBob), deps(alice));
    recorder.say(helloOf(bob.nodeId));
    const old = await clock.runUntil(recorder.hear<{ signature: Uint8Array<ArrayBuffer> }>('proof'));

    // On a later channel Mallory, who recorded it, plays Alice's old proof back to Bob.
    const second = await channels();
    const result = shakeHands(createFramedChannel(second.toAlice), deps(bob));
    const replay = byHand(second.toBob);
    replay.say(helloOf(alice.nodeId));
    replay.say({ v: 1, type: 'proof', signature: old.signature });
    expect(codeOf(await clock.runUntil(result))).toBe('bad_signature');
  });

  it('accepts a proof made by hand over exactly the documented bytes', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const result = shakeHands(createFramedChannel(toBob), deps(alice));
    const hand = byHand(toAlice);
    hand.say(helloOf(bob.nodeId));
    const hello = await clock.runUntil(hand.hear<Hello>('hello'));
    const { local, remote } = hand.framed.binding();
    const bytes = linkProofBody({
      community: 'home',
      initiator: alice.nodeId,
      responder: bob.nodeId,
      nonceInitiator: hello.nonce,
      nonceResponder: new Uint8Array(32).fill(9),
      fingerprintInitiator: remote,
      fingerprintResponder: local,
    });
    hand.say({ v: 1, type: 'proof', signature: await bob.sign(bytes) });
    hand.say({ v: 1, type: 'ready' });
    expect(codeOf(await clock.runUntil(result))).toBe('fine');
  });

  it('refuses another community', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const result = shakeHands(createFramedChannel(toBob), deps(alice));
    void shakeHands(createFramedChannel(toAlice), deps(bob, { community: 'elsewhere' }));
    expect(codeOf(await clock.runUntil(result))).toBe('other_community');
  });

  it('gives up on a peer that says nothing, at the deadline', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob } = await channels();
    const closed = new Promise<string>((resolve) => void toBob.closed.on(resolve));
    const beganMs = clock.monotonicMs();
    const result = await clock.runUntil(shakeHands(createFramedChannel(toBob), deps(alice)));
    expect(codeOf(result)).toBe('handshake_timeout');
    expect(clock.monotonicMs() - beganMs).toBe(5_000);
    expect(await closed).toBe('handshake_timeout');
  });

  it('closes with the code of the admission predicate and tells the peer', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const [a, b] = await clock.runUntil(
      Promise.all([
        shakeHands(createFramedChannel(toBob), deps(alice)),
        shakeHands(
          createFramedChannel(toAlice),
          deps(bob, { admit: async () => fail('blocked', 'You blocked this node.') }),
        ),
      ]),
    );
    expect(codeOf(b)).toBe('blocked');
    expect(a).toMatchObject({ ok: false, error: { code: 'refused_by_peer', peerMessage: 'blocked' } });
  });

  it('turns a predicate or signer that throws into a code', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const results = await clock.runUntil(
      Promise.all([
        shakeHands(createFramedChannel(toBob), deps(alice, { admit: () => Promise.reject(new Error('no')) })),
        shakeHands(createFramedChannel(toAlice), deps({ ...bob }, {})),
      ]),
    );
    expect(codeOf(results[0]!)).toBe('admission_failed');
    const again = await channels();
    void shakeHands(createFramedChannel(again.toAlice), deps(bob));
    const failing = { nodeId: alice.nodeId, sign: () => Promise.reject(new Error('lost')) };
    expect(codeOf(await clock.runUntil(shakeHands(createFramedChannel(again.toBob), deps(failing))))).toBe(
      'signing_failed',
    );
  });

  const hostile: [string, string, (hand: ReturnType<typeof byHand>, framed: FramedChannel) => void][] = [
    ['bytes that are no data', 'undecodable', (_, framed) => sendBytes(framed, Uint8Array.of(255, 1, 2))],
    [
      'another version',
      'unknown_version',
      (_, framed) => sendBytes(framed, encodeCanonical({ ...helloOf(bob.nodeId), v: 2 })),
    ],
    [
      'an unknown kind of message',
      'malformed',
      (_, framed) => sendBytes(framed, encodeCanonical({ v: 1, type: 'gossip' })),
    ],
    [
      'an extra member',
      'malformed',
      (_, framed) => sendBytes(framed, encodeCanonical({ ...helloOf(bob.nodeId), extra: 1 })),
    ],
    ['two greetings', 'unexpected_message', (hand) => [1, 2].forEach(() => hand.say(helloOf(bob.nodeId)))],
    [
      'a proof before the greeting',
      'unexpected_message',
      (hand) => hand.say({ v: 1, type: 'proof', signature: new Uint8Array(64) }),
    ],
    ['ready before the proof', 'unexpected_message', (hand) => hand.say({ v: 1, type: 'ready' })],
    [
      'a heartbeat',
      'unexpected_message',
      (hand) => hand.say({ v: 1, type: 'beat', sequence: 0, echo: null, reply: false }),
    ],
    ['a message', 'unexpected_message', (_, framed) => framed.sendFrame(framed.frames(Uint8Array.of(1)).next().value!)],
    ['our own key', 'self_link', (hand) => hand.say(helloOf(alice.nodeId))],
    ['goodbye', 'refused_by_peer', (hand) => hand.say({ v: 1, type: 'bye', code: 'busy' })],
  ];
  const sendBytes = (framed: FramedChannel, bytes: Uint8Array): void => {
    // A control frame by hand: version 1, kind 0, first and last, sequence 0.
    const frame = new Uint8Array(7 + bytes.length);
    frame.set([1, 0, 3, 0, 0, 0, 0]);
    frame.set(bytes, 7);
    framed.sendFrame(frame);
  };
  it.each(hostile)('refuses %s with %s', async (_, code, act) => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const result = shakeHands(createFramedChannel(toBob), deps(alice));
    const hand = byHand(toAlice);
    act(hand, hand.framed);
    expect(codeOf(await clock.runUntil(result))).toBe(code);
  });

  it('refuses a nonce that was sent back', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const result = shakeHands(createFramedChannel(toBob), deps(alice));
    const hand = byHand(toAlice);
    const { nonce } = await clock.runUntil(hand.hear<Hello>('hello'));
    hand.say(helloOf(bob.nodeId, { nonce }));
    expect(codeOf(await clock.runUntil(result))).toBe('nonce_reused');
  });

  it('ends when the channel closes under it', async () => {
    const { clock, deps, channels } = setUp();
    const { toBob, toAlice } = await channels();
    const result = shakeHands(createFramedChannel(toBob), deps(alice));
    toAlice.close('gone');
    expect(codeOf(await clock.runUntil(result))).toBe('channel_closed');
  });
});
