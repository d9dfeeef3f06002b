import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createSeedSigner } from '#adapters/signer-seed';
import { createPeerJsNetwork } from '#adapters/transport-peerjs/peerjs-network';
import { createVerify } from '#adapters/verify-webcrypto';
import { hex } from '#core/base/bytes';
import { decodeCanonical, encodeCanonical, sha256 } from '#core/base/canonical';
import type { Chance, Signer } from '#core/base/ports';
import { ok } from '#core/base/result';
import { encodeCredential } from '#core/identity/admission';
import { SALT_BYTES, saltedDigest } from '#core/ledger/statements';
import { createEmitter } from '#core/base/events';
import { encodeControl, INSTANCE_BYTES, NONCE_BYTES } from '#core/transport/control-messages';
import { createFramedChannel } from '#core/transport/framed-channel';
import { createReassembler, FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD_BYTES } from '#core/transport/framing';
import { shakeHands } from '#core/transport/handshake';
import { HIGH_WATER_BYTES } from '#core/transport/link';
import type { RawChannel } from '#core/transport/ports';
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from '#core/wire/limits';
import { sign, type Signed } from '#core/wire/signed';

/** Longer than every deadline of the victim, so that silence is told apart from slowness. */
const PATIENCE_MS = 12_000;
/** The victim closes a link at the third violation. */
const VIOLATIONS = 3;
/** What a flood sends before it lets its page hear an answer. */
const FLOOD_TURN = 1_000;

export interface Target {
  readonly serverUrl: string;
  /** The community's id. */
  readonly room: string;
  readonly victim: string;
}

/** What the victim answered: a goodbye with a code, the failure of a call, or only a closed channel. */
export interface Outcome {
  readonly how: 'goodbye' | 'failed' | 'closed' | 'silence';
  readonly code: string;
}

export interface HostileHarness {
  readonly kinds: readonly string[];
  /** Runs one attack as a node that nobody has met before. */
  attack(kind: string, target: Target): Promise<Outcome>;
  /** An honest handshake with nothing to show but a fresh key: how the node is greeted. */
  knock(target: Target): Promise<Outcome>;
  /**
   * Joins as a node that never answers; what it is asked is heard by a second node, which answers in its place. Resolves
   * to the first one's id, and later to what became of the second.
   */
  beginUsurping(target: Target): Promise<string>;
  usurped(): Promise<Outcome>;
}

declare global {
  interface Window {
    hostile: HostileHarness;
  }
}

const clock = createSystemClock();
const chance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };
const verify = createVerify();
const freshSigner = (): Signer => createSeedSigner(chance.bytes(32));
const freshId = (): string => `id-${hex(chance.bytes(12))}`;

/** A frame by hand. */
function frameOf(fields: {
  readonly version?: number;
  readonly kind?: number;
  readonly flags?: number;
  readonly sequence: number;
  readonly payload?: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const payload = fields.payload ?? new Uint8Array();
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame[0] = fields.version ?? 1;
  frame[1] = fields.kind ?? 1;
  frame[2] = fields.flags ?? 3;
  new DataView(frame.buffer).setUint32(3, fields.sequence);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

interface Attacker {
  readonly signer: Signer;
  readonly target: Target;
  readonly raw: RawChannel;
  /** The next number of our side of the channel. */
  sequence: number;
  /** Frames of a message, split by hand as the protocol wants it and without its limits. */
  say(message: Uint8Array, kind?: 'control' | 'message'): void;
  /** A call; gives its id. */
  call(capability: string, input: unknown, id?: string): string;
  /** Resolves with the first goodbye, the close of the channel, or a failed call: any, or one with this code. */
  ended(orFailed?: 'any' | (string & {})): Promise<Outcome>;
  /** Bus messages from the victim. */
  onMessage(listen: (message: Record<string, unknown>) => void): void;
}

async function dial(target: Target, signer: Signer) {
  const network = createPeerJsNetwork({ signer, url: target.serverUrl, iceServers: async () => [], clock, chance });
  await network.start();
  const joined = await network.join(target.room);
  if (!joined.ok) throw new Error(joined.error.code);
  const dialled = await network.dial(target.victim, 'host-only');
  if (!dialled.ok) throw new Error(dialled.error.code);
  return { network, raw: dialled.value };
}

/** Everything that arrives is read from the first frame on, beside whoever shakes hands on the channel. */
function listenTo(raw: RawChannel, signer: Signer, target: Target): Attacker {
  const outcomes: Outcome[] = [];
  const arrived = createEmitter<void>();
  const listeners: ((message: Record<string, unknown>) => void)[] = [];
  const note = (outcome: Outcome): void => {
    outcomes.push(outcome);
    arrived.emit();
  };
  const reassembler = createReassembler();
  raw.frames.on((frame) => {
    const whole = reassembler.accept(frame);
    if (!whole.ok || whole.value === null) return;
    const decoded = decodeCanonical(whole.value.bytes);
    const message = (decoded.ok ? decoded.value : {}) as Record<string, unknown>;
    if (whole.value.kind === 'control') {
      if (message['type'] === 'bye') note({ how: 'goodbye', code: String(message['code']) });
      return;
    }
    if (message['t'] === 'failed') note({ how: 'failed', code: String(message['code']) });
    for (const listen of listeners) listen(message);
  });
  raw.closed.on((reason) => note({ how: 'closed', code: reason }));
  const attacker: Attacker = {
    signer,
    target,
    raw,
    sequence: 0,
    say(message, kind = 'message') {
      let at = 0;
      do {
        const end = Math.min(at + MAX_FRAME_PAYLOAD_BYTES, message.length);
        raw.send(
          frameOf({
            kind: kind === 'control' ? 0 : 1,
            flags: (at === 0 ? 1 : 0) | (end === message.length ? 2 : 0),
            sequence: attacker.sequence++,
            payload: message.subarray(at, end),
          }),
        );
        at = end;
      } while (at < message.length);
    },
    call(capability, input, id = freshId()) {
      attacker.say(encodeCanonical({ v: 1, t: 'call', id, capability, input, timeoutMs: 10_000 }));
      return id;
    },
    ended: (orFailed) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = outcomes.find(({ how, code }) => how !== 'failed' || orFailed === 'any' || orFailed === code);
          if (found === undefined) return;
          stop();
          cancel();
          resolve(found);
        };
        const stop = arrived.on(look);
        const cancel = clock.after(PATIENCE_MS, () => {
          stop();
          resolve({ how: 'silence', code: '' });
        });
        look();
      }),
    onMessage: (listen) => void listeners.push(listen),
  };
  return attacker;
}

/**
 * Reads the frames of a channel twice: for the handshake, which takes them away, and for the attacker. `endHandshake`
 * gives how many frames were sent until then.
 */
function forked(raw: RawChannel): { mine: RawChannel; forHandshake: RawChannel; endHandshake(): number } {
  const mine = createEmitter<Uint8Array<ArrayBuffer>>();
  const theirs = createEmitter<Uint8Array<ArrayBuffer>>();
  let sent = 0;
  let shaking = true;
  const start = (): void => {
    raw.frames.on((frame) => {
      mine.emit(frame);
      if (shaking) theirs.emit(frame);
    });
  };
  let listeners = 0;
  const ready = (source: typeof mine) => ({
    on(listener: (frame: Uint8Array<ArrayBuffer>) => void) {
      const stop = source.on(listener);
      if (++listeners === 2) start();
      return stop;
    },
  });
  const shared = {
    claimedPeer: raw.claimedPeer,
    initiator: raw.initiator,
    get bufferedBytes() {
      return raw.bufferedBytes;
    },
    drained: raw.drained,
    closed: raw.closed,
    close: (reason: string) => raw.close(reason),
    binding: () => raw.binding(),
  };
  return {
    mine: { ...shared, frames: ready(mine), send: (frame) => raw.send(frame) },
    forHandshake: {
      ...shared,
      frames: ready(theirs),
      send(frame) {
        sent++;
        raw.send(frame);
      },
    },
    endHandshake() {
      shaking = false;
      return sent;
    },
  };
}

const nothingToShow = (): Uint8Array<ArrayBuffer> => encodeCredential({ memberships: [], certificates: [] });

/** Shakes hands as anyone would, then leaves the protocol to the attack. */
async function afterHandshake(target: Target, run: (attacker: Attacker) => Promise<Outcome>): Promise<Outcome> {
  const signer = freshSigner();
  const { network, raw } = await dial(target, signer);
  try {
    const { mine, forHandshake, endHandshake } = forked(raw);
    const attacker = listenTo(mine, signer, target);
    const framed = createFramedChannel(forHandshake);
    const shaken = await shakeHands(framed, {
      signer,
      verify,
      clock,
      chance,
      admit: async () => ok({ trust: 'member' }),
      credential: nothingToShow,
      community: target.room,
      instance: chance.bytes(INSTANCE_BYTES),
    });
    attacker.sequence = endHandshake();
    if (!shaken.ok) return await attacker.ended();
    return await run(attacker);
  } finally {
    await network.stop();
  }
}

/** Speaks before anything is proved. */
async function insteadOfHandshake(target: Target, run: (attacker: Attacker) => Promise<Outcome>): Promise<Outcome> {
  const signer = freshSigner();
  const { network, raw } = await dial(target, signer);
  try {
    return await run(listenTo(raw, signer, target));
  } finally {
    await network.stop();
  }
}

/** The same bad thing as often as the victim bears it. */
const repeatedly =
  (once: (attacker: Attacker) => void) =>
  (target: Target): Promise<Outcome> =>
    afterHandshake(target, (attacker) => {
      for (let times = 0; times < VIOLATIONS; times++) once(attacker);
      return attacker.ended();
    });

const badFrame = (fields: (attacker: Attacker) => Parameters<typeof frameOf>[0]) =>
  repeatedly((attacker) => attacker.raw.send(frameOf(fields(attacker))));

const badMessage = (bytes: () => Uint8Array) => repeatedly((attacker) => attacker.say(bytes()));
const badValue = (value: () => unknown) => badMessage(() => encodeCanonical(value()));

const badCall = (capability: string, input: (attacker: Attacker) => unknown) => (target: Target) =>
  afterHandshake(target, async (attacker) => {
    attacker.call(capability, await input(attacker));
    return attacker.ended('any');
  });

/**
 * As fast as the channel takes it, until the victim answers: how many fit within a rate depends on how fast both machines
 * are.
 */
const flood =
  (once: (attacker: Attacker) => void, failure?: string) =>
  (target: Target): Promise<Outcome> =>
    afterHandshake(target, async (attacker) => {
      let answered = false;
      const ended = attacker.ended(failure).finally(() => (answered = true));
      while (!answered) {
        for (let times = 0; times < FLOOD_TURN && attacker.raw.bufferedBytes < HIGH_WATER_BYTES; times++)
          once(attacker);
        await new Promise<void>((resolve) => clock.after(0, resolve));
      }
      return ended;
    });

const helloOf = (attacker: Attacker, changed: Record<string, unknown> = {}): Uint8Array =>
  encodeCanonical({
    v: 1,
    type: 'hello',
    community: attacker.target.room,
    node: attacker.signer.nodeId,
    nonce: chance.bytes(NONCE_BYTES),
    instance: chance.bytes(INSTANCE_BYTES),
    credential: nothingToShow(),
    ...changed,
  });
const badHello = (changed: (attacker: Attacker) => Record<string, unknown>) => (target: Target) =>
  insteadOfHandshake(target, (attacker) => {
    attacker.say(helloOf(attacker, changed(attacker)), 'control');
    return attacker.ended();
  });

const full = (): Uint8Array => new Uint8Array(MAX_FRAME_PAYLOAD_BYTES);
const text = (value: string): number[] => [0x60 + value.length, ...new TextEncoder().encode(value)];
const hash = (): string => hex(chance.bytes(32));
const cid = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

const receiptOf = (attacker: Attacker, changed: { requester?: string; executor?: string } = {}) => ({
  type: 'receipt',
  v: 1,
  jobId: freshId(),
  traceId: freshId(),
  capability: 'echo@1',
  requester: attacker.signer.nodeId,
  executor: attacker.target.victim,
  validators: [],
  model: null,
  commitment: cid,
  verdicts: [],
  verdict: 'unchecked',
  check: 'none',
  units: 0,
  tokens: null,
  at: 1,
  ...changed,
});
const spoiled = (signed: Signed): Signed => ({
  payload: signed.payload,
  signatures: signed.signatures.map(({ keyId, signature }) => ({
    keyId,
    signature: signature.map((byte, index) => (index === 0 ? byte ^ 1 : byte)),
  })),
});
const commitmentOf = (attacker: Attacker, executor: Signer, requester: string) => {
  const salt = chance.bytes(SALT_BYTES);
  const input = { message: 'x' };
  const output = { echo: 'x' };
  const body = {
    type: 'commitment',
    v: 1,
    jobId: freshId(),
    traceId: freshId(),
    requester,
    executor: executor.nodeId,
    capability: 'echo@1',
    input: saltedDigest(salt, input),
    output: saltedDigest(salt, output),
    at: 1,
  };
  return { salt, input, output, sign: () => sign(executor, body) };
};

const chat = { messages: [{ role: 'user', text: 'What is Tabmesh?' }], maxTokens: 120 };
const card = (seq: number) => ({
  v: 1,
  t: 'card',
  card: { seq, contributing: false, capabilities: [], models: [], runningJobs: 0, device: null },
});

const attacks: Readonly<Record<string, (target: Target) => Promise<Outcome>>> = {
  // Frames
  'frame of more than the limit': repeatedly((attacker) => attacker.raw.send(new Uint8Array(MAX_FRAME_BYTES + 1))),
  'frame of text': repeatedly((attacker) => attacker.raw.send('hello' as unknown as Uint8Array)),
  'frame without a whole header': repeatedly((attacker) => attacker.raw.send(new Uint8Array(3))),
  'frame of an unknown version': badFrame(({ sequence }) => ({ sequence, version: 9 })),
  'frame of an unknown kind': badFrame(({ sequence }) => ({ sequence, kind: 7 })),
  'frame with unknown flags': badFrame(({ sequence }) => ({ sequence, flags: 12 })),
  'frame number left out': badFrame((attacker) => {
    attacker.sequence += 2;
    return { sequence: attacker.sequence - 1 };
  }),
  'frame sent twice': badFrame(() => ({ sequence: 0 })),
  'frame cut short': badFrame((attacker) => ({
    sequence: attacker.sequence++,
    flags: 1,
    payload: new Uint8Array(10),
  })),
  'message begun inside a message': (target) =>
    afterHandshake(target, (attacker) => {
      for (let times = 0; times < 2 * VIOLATIONS; times++)
        attacker.raw.send(frameOf({ sequence: attacker.sequence++, flags: 1, payload: full() }));
      return attacker.ended();
    }),
  'frame that belongs to no message': badFrame((attacker) => ({
    sequence: attacker.sequence++,
    flags: 2,
    payload: new Uint8Array(1),
  })),
  'message whose frames never end': repeatedly((attacker) => {
    for (let sent = 0, first = 1; sent <= MAX_MESSAGE_BYTES; sent += MAX_FRAME_PAYLOAD_BYTES, first = 0)
      attacker.raw.send(frameOf({ sequence: attacker.sequence++, flags: first, payload: full() }));
  }),
  'call with 300 KB of input': repeatedly((attacker) => attacker.call('node.ping@1', { echo: 'x'.repeat(300 * 1024) })),
  'control message that cannot be decoded': repeatedly((attacker) =>
    attacker.say(new Uint8Array([0xff, 0x00]), 'control'),
  ),
  'second greeting': repeatedly((attacker) => attacker.say(helloOf(attacker), 'control')),
  // Messages
  'message that cannot be decoded': badMessage(() => new Uint8Array([0xa2, 0x61, 0x76, 0xff])),
  'message in another than the canonical form': badMessage(
    () =>
      // {"v": 1, "t": "cancel", "id": "abcdefgh"} with its keys out of order.
      new Uint8Array([0xa3, ...text('v'), 0x01, ...text('id'), ...text('abcdefgh'), ...text('t'), ...text('cancel')]),
  ),
  'message of another version': badValue(() => ({ v: 2, t: 'cancel', id: freshId() })),
  'message of an unknown type': badValue(() => ({ v: 1, t: 'own', id: freshId() })),
  'message with a field of the wrong type': badValue(() => ({ v: 1, t: 'cancel', id: 7 })),
  'message with a field too many': badValue(() => ({ v: 1, t: 'cancel', id: freshId(), more: true })),
  'message that is no map': badValue(() => [1, 2, 3]),
  'message that sets a prototype': badMessage(
    () =>
      new Uint8Array([
        0xa3,
        ...text('t'),
        ...text('cancel'),
        ...text('v'),
        0x01,
        ...text('__proto__'),
        0xa1,
        ...text('polluted'),
        0xf5,
      ]),
  ),
  'message with a constructor': badValue(() => ({
    v: 1,
    t: 'cancel',
    id: freshId(),
    constructor: { prototype: { polluted: true } },
  })),
  'card said again': (target) =>
    afterHandshake(target, (attacker) => {
      for (let times = 0; times <= VIOLATIONS; times++) attacker.say(encodeCanonical(card(5)));
      return attacker.ended();
    }),
  'message of nothing but depth': badMessage(() => new Uint8Array(200_000).fill(0x81)),
  // Calls
  'call of what is not offered': badCall('nothing.here@1', () => ({})),
  'call with the wrong input': badCall('node.ping@1', () => ({ echo: 7 })),
  'call with a prototype in its input': repeatedly((attacker) =>
    attacker.call('node.ping@1', { constructor: { prototype: { polluted: true } } }),
  ),
  'call under an id that is in use': (target) =>
    afterHandshake(target, (attacker) => {
      const id = freshId();
      for (let times = 0; times <= VIOLATIONS; times++) attacker.call('llm.chat@1', chat, id);
      return attacker.ended();
    }),
  'more calls than may be open': (target) =>
    afterHandshake(target, (attacker) => {
      for (let times = 0; times < 80; times++) attacker.call('llm.chat@1', chat);
      return attacker.ended('any');
    }),
  'flood of calls': flood((attacker) => void attacker.call('node.ping@1', {}), 'rate_limited'),
  'flood of cancels': flood((attacker) => attacker.say(encodeCanonical({ v: 1, t: 'cancel', id: 'abcdefgh' }))),
  'job of a kind that nobody knows': badCall('job.run@1', () => ({
    jobId: freshId(),
    traceId: freshId(),
    capability: 'rm_rf@1',
    input: {},
  })),
  'receipt with a spoiled signature to sign': badCall('receipt.sign@1', async (attacker) => ({
    receipt: spoiled(await sign(attacker.signer, receiptOf(attacker))),
  })),
  'receipt for work that was never done to sign': badCall('receipt.sign@1', async (attacker) => ({
    receipt: await sign(attacker.signer, receiptOf(attacker)),
  })),
  'receipt of somebody else to sign': badCall('receipt.sign@1', async (attacker) => {
    const other = freshSigner();
    return { receipt: await sign(other, receiptOf(attacker, { requester: other.nodeId })) };
  }),
  'receipt of strangers to keep': badCall('receipt.keep@1', async (attacker) => {
    const other = freshSigner();
    return { receipt: await sign(attacker.signer, receiptOf(attacker, { executor: other.nodeId })) };
  }),
  'check with a spoiled commitment': badCall('check.redo@1', async (attacker) => {
    const { salt, input, output, sign: signIt } = commitmentOf(attacker, freshSigner(), attacker.signer.nodeId);
    return { commitment: spoiled(await signIt()), salt, input, output };
  }),
  'check of a job of somebody else': badCall('check.rescore@1', async (attacker) => {
    const { salt, input, output, sign: signIt } = commitmentOf(attacker, freshSigner(), hash());
    return { commitment: await signIt(), salt, input, output };
  }),
  // Handshakes
  'greeting of another community': badHello(() => ({ community: 'somewhereelse' })),
  'greeting under another id': badHello(() => ({ node: hash() })),
  'greeting under the id of the victim': badHello(({ target }) => ({ node: target.victim })),
  'greeting of another version': badHello(() => ({ v: 2 })),
  'greeting with far too much to show': badHello(() => ({ credential: new Uint8Array(60 * 1024) })),
  'message before the handshake': (target) =>
    insteadOfHandshake(target, (attacker) => {
      attacker.say(encodeCanonical({ v: 1, t: 'cancel', id: freshId() }));
      return attacker.ended();
    }),
  'proof before a greeting': (target) =>
    insteadOfHandshake(target, (attacker) => {
      attacker.say(encodeControl({ v: 1, type: 'proof', signature: chance.bytes(64) }), 'control');
      return attacker.ended();
    }),
  'proof with a wrong signature': (target) =>
    insteadOfHandshake(target, async (attacker) => {
      attacker.say(helloOf(attacker), 'control');
      const signature = await attacker.signer.sign(sha256(new Uint8Array(1)));
      attacker.say(encodeControl({ v: 1, type: 'proof', signature: signature as Uint8Array<ArrayBuffer> }), 'control');
      return attacker.ended();
    }),
  'handshake that never goes on': (target) => insteadOfHandshake(target, (attacker) => attacker.ended()),
};

let usurper: Promise<Outcome> | null = null;

window.hostile = {
  kinds: Object.keys(attacks),
  attack(kind, target) {
    const run = attacks[kind];
    if (run === undefined) throw new Error(`There is no attack called ${kind}.`);
    return run(target);
  },
  knock: (target) =>
    afterHandshake(target, async (attacker) => {
      // Whoever is admitted can make a call.
      return new Promise((resolve) => {
        attacker.onMessage((message) => {
          if (message['t'] === 'done') resolve({ how: 'silence', code: 'admitted' });
        });
        attacker.call('node.ping@1', {});
        void attacker.ended('any').then(resolve);
      });
    }),
  beginUsurping: (target) =>
    new Promise((begun, failed) => {
      let hasBegun = false;
      usurper = new Promise((resolve, reject) => {
        afterHandshake(target, async (listener) => {
          const heard = new Promise<string>((hear) =>
            listener.onMessage((message) => message['t'] === 'call' && hear(String(message['id']))),
          );
          hasBegun = true;
          begun(listener.signer.nodeId);
          const id = await heard;
          const outcome = await afterHandshake(target, (attacker) => {
            for (let times = 0; times < VIOLATIONS; times++)
              attacker.say(encodeCanonical({ v: 1, t: 'done', id, output: { forged: true } }));
            return attacker.ended();
          });
          resolve(outcome);
          return outcome;
        })
          // The victim may still be busy with the handshakes of those before.
          .then(({ how, code }) => hasBegun || failed(new Error(`${how} ${code}`)))
          .catch((error: unknown) => {
            failed(error as Error);
            reject(error as Error);
          });
      });
      usurper.catch(() => {});
    }),
  usurped: () => usurper ?? Promise.reject(new Error('Nobody usurps.')),
};
