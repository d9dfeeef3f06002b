import { createSystemClock } from '#adapters/clock-system/system-clock';
import { createWorkerClock, type WorkerClock } from '#adapters/clock-worker/worker-clock';
import { createPeerJsNetwork } from '#adapters/transport-peerjs/peerjs-network';
import { createVerify } from '#adapters/verify-webcrypto';
import { hex } from '#core/base/bytes';
import type { Chance, Signer } from '#core/base/ports';
import { ok } from '#core/base/result';
import { createLinks } from '#core/transport/links';
import type { Links, Network } from '#core/transport/ports';
import { clockCases } from '#tests/conformance/clock';
import { transportCases, type TransportWorld } from '#tests/conformance/transport';

/** Longer than the longest deadline of the transport, so that a case fails with its own words. */
const PATIENCE_MS = 25_000;
/** Stands for what a community configured; nothing answers there (discard, RFC 863). */
const CONFIGURED_SERVER = 'stun:127.0.0.1:9';

export interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  readonly error?: string;
}

export interface TransportHarness {
  runTransportCases(signalingUrl: string): Promise<CaseResult[]>;
  runClockCases(): Promise<CaseResult[]>;
  /** Starts a node of this page with links in the room, and resolves to its id. */
  startNode(signalingUrl: string, room: string): Promise<string>;
  stopNode(id: string): Promise<void>;
  /** What happened on the links of a node since it started: `type reason`. */
  events(id: string): readonly { readonly what: string; readonly peer: string }[];
  status(id: string): string;
  links(id: string): readonly { readonly peer: string; readonly state: string; readonly rttMs: number | null }[];
  /** Sends `count` messages of `sizeBytes`; resolves when all came back from the other node, to whether they did so in order. */
  exchange(id: string, peer: string, count: number, sizeBytes: number): Promise<boolean>;
  useConfiguredServers(id: string): void;
  /** Sends garbage below the links: hostile frames on a channel dialled by hand; resolves to why it was closed. */
  sendGarbage(id: string, peer: string): Promise<string>;
  /** Every ICE server that a connection of this page was made with since it loaded. */
  iceServersUsed(): readonly string[];
}

declare global {
  interface Window {
    transport: TransportHarness;
  }
}

const iceServersUsed: string[] = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(config?: RTCConfiguration) {
    super(config);
    for (const { urls } of config?.iceServers ?? []) iceServersUsed.push(...[urls].flat());
  }
};

const chance: Chance = { bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) };
const systemClock = createSystemClock();
const verify = createVerify();

async function freshSigner(): Promise<Signer> {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  const nodeId = hex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  return {
    nodeId,
    sign: async (bytes) =>
      new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, bytes as Uint8Array<ArrayBuffer>)),
  };
}

const networkOf = (signer: Signer, url: string): Network =>
  createPeerJsNetwork({
    signer,
    url,
    iceServers: async () => [{ urls: CONFIGURED_SERVER }],
    clock: systemClock,
    chance,
  });

async function runAll<W>(
  cases: readonly { name: string; run(world: W): Promise<void> }[],
  create: () => { world: W; end(): Promise<void> },
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const { name, run } of cases) {
    const { world, end } = create();
    try {
      await run(world);
      results.push({ name, ok: true });
    } catch (error) {
      results.push({ name, ok: false, error: String(error) });
    } finally {
      await end();
    }
  }
  return results;
}

function peerJsWorld(url: string): { world: TransportWorld; end(): Promise<void> } {
  const networks: Network[] = [];
  return {
    world: {
      async network() {
        const network = networkOf(await freshSigner(), url);
        networks.push(network);
        return network;
      },
      absentId: hex(chance.bytes(32)),
      room: () => hex(chance.bytes(8)),
      until: (promise) =>
        new Promise((resolve, reject) => {
          const cancel = systemClock.after(PATIENCE_MS, () => reject(new Error('It took far too long.')));
          promise.then(resolve, reject).finally(cancel);
        }),
    },
    async end() {
      for (const network of networks) await network.stop();
    },
  };
}

interface RunningNode {
  readonly network: Network;
  readonly links: Links;
  readonly clock: WorkerClock;
  readonly events: { what: string; peer: string }[];
}

const nodes = new Map<string, RunningNode>();
const node = (id: string): RunningNode => {
  const found = nodes.get(id);
  if (found === undefined) throw new Error('No such node on this page.');
  return found;
};

window.transport = {
  runTransportCases: (url) => runAll(transportCases, () => peerJsWorld(url)),
  runClockCases: () =>
    runAll(clockCases, () => {
      const clock = createWorkerClock({ fallback: systemClock });
      return { world: { clock, until: (promise) => promise }, end: async () => clock.stop() };
    }),
  async startNode(url, room) {
    const signer = await freshSigner();
    const network = networkOf(signer, url);
    const clock = createWorkerClock({ fallback: systemClock });
    const links = createLinks({
      network,
      signer,
      verify,
      clock,
      chance,
      admit: async () => ok({ trust: 'member' }),
      credential: () => new Uint8Array(),
      community: room,
    });
    const events: RunningNode['events'] = [];
    links.events.on((event) => {
      const what =
        event.type === 'down'
          ? `down ${event.reason}`
          : event.type === 'unreachable'
            ? `unreachable ${event.code}`
            : event.type;
      events.push({ what, peer: event.type === 'unreachable' ? event.peer : event.link.peer });
      if (event.type !== 'up') return;
      const { link } = event;
      // Everybody echoes what begins with 1, with a 2 in its place.
      link.messages.on((message) => {
        if (message[0] !== 1) return;
        const answer = message.slice();
        answer[0] = 2;
        void link.send(answer);
      });
    });
    network.presence.on(({ node: peer, here }) => (here ? links.want(peer) : links.forget(peer)));
    await network.start();
    const members = await network.join(room);
    if (members.ok) for (const member of members.value) links.want(member);
    nodes.set(signer.nodeId, { network, links, clock, events });
    return signer.nodeId;
  },
  async stopNode(id) {
    const { links, network, clock } = node(id);
    await links.close();
    await network.stop();
    clock.stop();
  },
  events: (id) => node(id).events,
  status: (id) => `${node(id).network.status.state} ${node(id).network.status.reason}`.trim(),
  links: (id) => node(id).links.all.map(({ peer, state, rttMs }) => ({ peer, state, rttMs })),
  async exchange(id, peer, count, sizeBytes) {
    const link = node(id).links.to(peer);
    if (link === null) throw new Error('There is no link.');
    let next = 0;
    let inOrder = true;
    const all = new Promise<void>((resolve) => {
      const stop = link.messages.on((message) => {
        if (message[0] !== 2) return;
        if (new DataView(message.buffer, message.byteOffset).getUint32(1) !== next || message.length !== sizeBytes)
          inOrder = false;
        next++;
        if (next < count) return;
        stop();
        resolve();
      });
    });
    for (let index = 0; index < count; index++) {
      const message = new Uint8Array(sizeBytes);
      message[0] = 1;
      new DataView(message.buffer).setUint32(1, index);
      const sent = await link.send(message);
      if (!sent.ok) throw new Error(sent.error.code);
    }
    await all;
    return inOrder;
  },
  useConfiguredServers: (id) => node(id).links.setIcePolicy('configured'),
  async sendGarbage(id, peer) {
    const dialled = await node(id).network.dial(peer, 'host-only');
    if (!dialled.ok) return dialled.error.code;
    const closed = new Promise<string>((resolve) => void dialled.value.closed.on(resolve));
    for (let index = 0; index < 20; index++) dialled.value.send(chance.bytes(1 + index * 50));
    return closed;
  },
  iceServersUsed: () => iceServersUsed,
};
