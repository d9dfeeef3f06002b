import type { DataConnection, Peer } from 'peerjs';
import * as v from 'valibot';
import { hex } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import { fraction } from '#core/base/chance';
import { createEmitter } from '#core/base/events';
import type { NodeId } from '#core/base/ids';
import type { Chance, Clock, Signer } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createKeptSource } from '#core/transport/kept-source';
import type { IcePolicy, Network, Presence, RawChannel, RendezvousStatus } from '#core/transport/ports';
import { authBody, fromServerSchema, type FromServer, type ToServer } from '#core/wire/signaling-messages';
import { loadPeerJs } from './load-peerjs';
import { wrapConnection, type PeerJsChannel } from './peerjs-channel';
import { openSchema, refusalSchema, relayedSchema } from './relayed-messages';

/** Time for socket, challenge and OPEN. */
const OPEN_TIMEOUT_MS = 5_000;
/** Candidates over a bad mobile network take several seconds; a browser itself gives up after fifteen. */
const DIAL_TIMEOUT_MS = 12_000;
const ANSWER_TIMEOUT_MS = 5_000;
const SHORTEST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** The server pings by itself; this only keeps middle boxes from forgetting the socket. */
const SOCKET_PING_MS = 20_000;
/** Connections that others are opening to us at once. */
const MAX_OPENING_INBOUND = 16;
/** A data-only negotiation has two to eight candidates per side. */
const MAX_CANDIDATES = 64;
const MAX_WAITING_CHANNELS = 32;
const TOKEN_BYTES = 16;

/** The server's close code for "another socket proved the same id later". Coming back at once would only start a fight. */
const REPLACED_CLOSE_CODE = 4409;
const REPLACED_PAUSE_MS = 60_000;

const NO_WAY = 'Their network and yours do not let a direct link through.';
const AWAY = 'The signaling server cannot be reached.';

export interface PeerJsNetworkOptions {
  readonly signer: Signer;
  /** Origin of the signaling server, `http://…` or `https://…`; a path is kept. */
  readonly url: string;
  /** Asked for before the first link under the policy `configured`, and again for each dial: credentials may be short-lived. */
  readonly iceServers: () => Promise<readonly RTCIceServer[]>;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Letters and digits; the same one on every reconnect. Fresh when not given. */
  readonly token?: string;
}

interface Asked {
  readonly resolve: (result: Result<readonly NodeId[]>) => void;
}

/**
 * Network over the unmodified PeerJS client and our own signaling server, in a browser. PeerJS's default servers are never
 * used: without servers of our own only this device's addresses are offered. The owner calls `stop` when the page goes.
 */
export function createPeerJsNetwork({
  signer,
  url,
  iceServers,
  clock,
  chance,
  token = hex(chance.bytes(TOKEN_BYTES)),
}: PeerJsNetworkOptions): Network {
  const self = signer.nodeId;
  const server = new URL(url);
  const secure = server.protocol === 'https:';

  const statusChanged = createEmitter<RendezvousStatus>();
  const presence = createEmitter<Presence>();
  const incoming = createKeptSource<RawChannel>(MAX_WAITING_CHANNELS, () => {});
  let status: RendezvousStatus = { state: 'connecting', reason: '' };
  const setStatus = (state: RendezvousStatus['state'], reason: string): void => {
    if (status.state === state && status.reason === reason) return;
    status = { state, reason };
    statusChanged.emit(status);
  };

  let PeerClass: typeof Peer | null = null;
  let peer: Peer | null = null;
  let started = false;
  let stopped = false;
  let answerPolicy: IcePolicy = 'host-only';
  /** PeerJS answers in the turn in which an offer arrives, so these must be at hand; every dial renews them. */
  let answerServers: readonly RTCIceServer[] = [];
  let failures = 0;
  let openedAtMs: number | null = null;
  let retryNotBeforeMs = 0;
  let cancelOpenTimer: (() => void) | null = null;
  let cancelRetry: (() => void) | null = null;
  let firstAttemptEnded = (): void => {};
  const firstAttempt = new Promise<void>((resolve) => (firstAttemptEnded = resolve));

  const rooms = new Map<string, string | undefined>();
  const asked = new Map<string, Asked[]>();
  const channels = new Set<PeerJsChannel>();
  const openingInbound = new Set<PeerJsChannel>();
  const candidatesByConnection = new Map<string, number>();
  /** Dials that the server may still answer with "nobody there". */
  const dialling = new Map<NodeId, Set<() => void>>();

  const tell = (message: ToServer): void => peer?.socket.send(message);
  const isOpen = (): boolean => peer?.open === true;

  // Rendezvous: attempts, and what follows when one ends.

  const load = async (): Promise<void> => {
    try {
      PeerClass = (await loadPeerJs()).Peer;
    } catch {
      setStatus('offline', 'The part of this app that makes links could not be loaded.');
      firstAttemptEnded();
      if (!stopped) cancelRetry = clock.after(LONGEST_BACKOFF_MS, () => void load());
      return;
    }
    attempt();
  };

  const attempt = (): void => {
    if (stopped || PeerClass === null || isOpen()) return;
    cancelRetry?.();
    cancelRetry = null;
    if (cancelOpenTimer !== null) return;
    if (status.state !== 'offline') setStatus('connecting', '');
    cancelOpenTimer = clock.after(OPEN_TIMEOUT_MS, () => attemptEnded('The signaling server did not answer in time.'));
    try {
      if (peer === null || peer.destroyed) peer = createPeer(PeerClass);
      else peer.reconnect();
    } catch {
      attemptEnded(AWAY);
    }
  };

  const createPeer = (Class: typeof Peer): Peer => {
    const made = new Class(self, {
      host: server.hostname,
      port: server.port === '' ? (secure ? 443 : 80) : Number(server.port),
      path: server.pathname,
      secure,
      token,
      pingInterval: SOCKET_PING_MS,
      debug: 0,
      config: { iceServers: [] },
    });
    // Everything from the server passes our gate before PeerJS sees it.
    const toPeerJs = made.socket.listeners('message') as ((message: unknown) => void)[];
    made.socket.removeAllListeners('message');
    made.socket.on('message', (message: unknown) => {
      if (peer === made && !stopped && onServerMessage(made, message))
        for (const listener of toPeerJs) listener.call(made.socket, message);
    });
    made.on('open', () => {
      if (peer === made) onOpen();
    });
    made.on('disconnected', () => {
      if (peer === made) attemptEnded(AWAY);
    });
    made.on('close', () => {
      if (peer === made) attemptEnded(AWAY);
    });
    made.on('connection', (connection) => onConnection(made, connection));
    made.on('call', (call) => call.close());
    // Errors of single links show on the links; of the socket, as `disconnected` or `close`.
    made.on('error', () => {});
    return made;
  };

  const onOpen = (): void => {
    cancelOpenTimer?.();
    cancelOpenTimer = null;
    retryNotBeforeMs = 0;
    openedAtMs = clock.monotonicMs();
    setStatus('online', '');
    firstAttemptEnded();
    for (const room of rooms.keys()) {
      if (!asked.has(room)) askAgain(room);
    }
  };

  const attemptEnded = (reason: string): void => {
    const wasUnderWay = cancelOpenTimer !== null || status.state === 'online';
    cancelOpenTimer?.();
    cancelOpenTimer = null;
    if (stopped || !wasUnderWay) return;
    setStatus('offline', reason);
    letGoOfSocket();
    for (const [room, waiting] of [...asked]) {
      asked.delete(room);
      for (const { resolve } of waiting) resolve(offline());
    }
    firstAttemptEnded();
    // Only a connection that held counts as a success: a server that throws us out at once is not hammered.
    if (openedAtMs !== null && clock.monotonicMs() - openedAtMs >= LONGEST_BACKOFF_MS) failures = 0;
    openedAtMs = null;
    const longestMs = Math.min(LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS * 2 ** (Math.min(failures, 16) + 1));
    failures++;
    const delayMs = Math.max(
      longestMs / 2 + (fraction(chance) * longestMs) / 2,
      retryNotBeforeMs - clock.monotonicMs(),
    );
    cancelRetry?.();
    cancelRetry = clock.after(delayMs, attempt);
  };

  /** PeerJS keeps the close code to itself, so the socket is listened to directly. */
  const watchForReplacement = (made: Peer): void => {
    const { _socket: socket } = made.socket as unknown as { readonly _socket?: WebSocket };
    socket?.addEventListener('close', ({ code }) => {
      if (code !== REPLACED_CLOSE_CODE || stopped || isOpen()) return;
      setStatus('offline', 'This node runs in another tab or window.');
      retryNotBeforeMs = clock.monotonicMs() + REPLACED_PAUSE_MS;
      cancelRetry?.();
      cancelRetry = clock.after(REPLACED_PAUSE_MS, attempt);
    });
  };

  /** Links live on in a peer that is only disconnected; one without links is better made anew. */
  const letGoOfSocket = (): void => {
    if (peer === null || peer.destroyed) return;
    if (channels.size > 0) {
      peer.disconnect();
    } else {
      const old = peer;
      peer = null;
      old.destroy();
    }
  };

  /** The device woke up or changed networks: connect now instead of waiting, and find out whether an open socket still lives. */
  const onWake = (): void => {
    if (stopped || globalThis.document?.visibilityState === 'hidden') return;
    if (!isOpen()) {
      failures = 0;
      if (clock.monotonicMs() >= retryNotBeforeMs) attempt();
      return;
    }
    const room = rooms.keys().next().value;
    if (room === undefined) return;
    const made = peer;
    void askMembers(room, { type: 'SAMPLE', payload: { room } }).then((result) => {
      if (!result.ok && result.error.code === 'no_answer' && peer === made) attemptEnded(AWAY);
    });
  };

  // What the server says.

  /** True when PeerJS may see the message. */
  const onServerMessage = (made: Peer, message: unknown): boolean => {
    const own = v.safeParse(fromServerSchema, message);
    if (own.success) {
      onOwnMessage(made, own.output);
      return false;
    }
    if (v.is(openSchema, message)) return !made.open;
    const refusal = v.safeParse(refusalSchema, message);
    if (refusal.success) {
      const said = refusal.output.payload?.msg?.slice(0, 200);
      attemptEnded(
        said === undefined
          ? 'The signaling server refused this node.'
          : `The signaling server refused this node: ${said}`,
      );
      return false;
    }
    const relayed = v.safeParse(relayedSchema, message);
    if (!relayed.success || !made.open) return false;
    const { output } = relayed;
    if (output.type === 'EXPIRE') {
      for (const giveUp of [...(dialling.get(output.src) ?? [])]) giveUp();
      return false;
    }
    const id = output.payload.connectionId;
    const known = made.getConnection(output.src, id) !== null;
    switch (output.type) {
      case 'OFFER':
        if (known || openingInbound.size >= MAX_OPENING_INBOUND) return false;
        made.options.config = { iceServers: [...answerServers] };
        return true;
      case 'ANSWER':
        return known;
      case 'CANDIDATE': {
        const count = (candidatesByConnection.get(id) ?? 0) + 1;
        if (!known || count > MAX_CANDIDATES) return false;
        candidatesByConnection.set(id, count);
        return true;
      }
    }
  };

  const onOwnMessage = (made: Peer, message: FromServer): void => {
    switch (message.type) {
      case 'CHALLENGE':
        watchForReplacement(made);
        signer.sign(encodeCanonical(authBody(message.payload.nonce, self))).then(
          (signature) => {
            if (peer === made) tell({ type: 'AUTH', payload: { signature: hex(signature) } });
          },
          () => attemptEnded('This node could not sign with its key.'),
        );
        return;
      case 'JOINED': {
        const { room } = message.payload;
        const members = message.payload.members.filter((node) => node !== self);
        const waiting = asked.get(room);
        asked.delete(room);
        if (waiting !== undefined) for (const { resolve } of waiting) resolve(ok(members));
        else if (rooms.has(room)) for (const node of members) presence.emit({ room, node, here: true });
        return;
      }
      case 'REFUSED': {
        const { room, code, message: reason } = message.payload;
        const waiting = asked.get(room);
        asked.delete(room);
        for (const { resolve } of waiting ?? []) resolve(fail(code, reason));
        return;
      }
      case 'PRESENCE':
        if (rooms.has(message.payload.room) && message.payload.node !== self) presence.emit(message.payload);
        return;
      case 'MOVED':
        retryNotBeforeMs = clock.monotonicMs() + message.payload.retryAfterMs;
        attemptEnded('The signaling server is restarting; links stay.');
    }
  };

  const offline = (): Result<never> => fail('offline', status.reason === '' ? AWAY : status.reason);

  const joinMessage = (room: string): ToServer => {
    const proof = rooms.get(room);
    return { type: 'JOIN', payload: proof === undefined ? { room } : { room, redemption: proof } };
  };
  const askAgain = (room: string): void => tell(joinMessage(room));
  const askMembers = (room: string, message: ToServer): Promise<Result<readonly NodeId[]>> =>
    new Promise((resolve) => {
      if (!isOpen()) return resolve(offline());
      const entry: Asked = {
        resolve(result) {
          cancel();
          resolve(result);
        },
      };
      const cancel = clock.after(ANSWER_TIMEOUT_MS, () => {
        const left = (asked.get(room) ?? []).filter((other) => other !== entry);
        if (left.length === 0) asked.delete(room);
        else asked.set(room, left);
        resolve(fail('no_answer', 'The signaling server did not answer.'));
      });
      asked.set(room, [...(asked.get(room) ?? []), entry]);
      tell(message);
    });

  // Channels.

  const track = (connection: DataConnection, peerId: NodeId, initiator: boolean): PeerJsChannel => {
    const channel = wrapConnection(connection, peerId, initiator);
    const id = connection.connectionId;
    channels.add(channel);
    channel.raw.closed.on(() => {
      channels.delete(channel);
      candidatesByConnection.delete(id);
    });
    return channel;
  };

  const onConnection = (made: Peer, connection: DataConnection): void => {
    if (peer !== made || stopped) return connection.close();
    const channel = track(connection, connection.peer, false);
    openingInbound.add(channel);
    const cancel = clock.after(DIAL_TIMEOUT_MS, () => channel.raw.close('dial_timeout'));
    void channel.opened.then((how) => {
      cancel();
      openingInbound.delete(channel);
      if (how === 'open') incoming.emit(channel.raw);
    });
  };

  const serversFor = async (policy: IcePolicy): Promise<readonly RTCIceServer[]> => {
    if (policy === 'host-only') return [];
    let servers: readonly RTCIceServer[] = [];
    try {
      servers = await iceServers();
    } catch {
      // Without servers of the community links still work wherever a direct way exists.
    }
    if (answerPolicy === 'configured') answerServers = servers;
    return servers;
  };

  const dial = async (peerId: NodeId, policy: IcePolicy): Promise<Result<RawChannel>> => {
    const servers = await serversFor(policy);
    const made = peer;
    if (stopped || made === null || !isOpen()) return offline();
    made.options.config = { iceServers: [...servers] };
    let connection: DataConnection | undefined;
    try {
      connection = made.connect(peerId, { serialization: 'raw', reliable: true });
    } catch {
      return fail('unreachable', 'This browser could not open another connection.');
    }
    if (!connection) return offline();
    const channel = track(connection, peerId, true);
    let absent = false;
    const giveUp = (): void => {
      absent = true;
      channel.raw.close('peer_unavailable');
    };
    const waiting = dialling.get(peerId) ?? new Set();
    dialling.set(peerId, waiting.add(giveUp));
    let late = false;
    const cancel = clock.after(DIAL_TIMEOUT_MS, () => {
      late = true;
      channel.raw.close('dial_timeout');
    });
    const how = await channel.opened;
    cancel();
    waiting.delete(giveUp);
    if (waiting.size === 0) dialling.delete(peerId);
    if (how === 'open') return ok(channel.raw);
    if (absent) return fail('peer_unavailable', 'This node is not connected to the signaling server.');
    const { localCandidates, answered } = channel.progress();
    if (localCandidates === 0) return fail('unreachable', 'This browser offers no network address for a direct link.');
    if (how === 'failed' || answered) return fail('unreachable', NO_WAY);
    return late ? fail('dial_timeout', 'They did not answer in time.') : fail('unreachable', NO_WAY);
  };

  // The page's own signs that something changed.

  const wakeSources: readonly [EventTarget | undefined, string][] = [
    [globalThis.window, 'online'],
    [globalThis.window, 'pageshow'],
    [globalThis.document, 'visibilitychange'],
  ];

  return {
    self,
    get status() {
      return status;
    },
    statusChanged,
    incoming,
    presence,
    start() {
      if (stopped || started) return firstAttempt;
      started = true;
      for (const [target, event] of wakeSources) target?.addEventListener(event, onWake);
      void load();
      return firstAttempt;
    },
    join(room, proof) {
      rooms.set(room, proof);
      return askMembers(room, joinMessage(room));
    },
    quit(room) {
      rooms.delete(room);
      tell({ type: 'QUIT', payload: { room } });
    },
    sample: (room) => askMembers(room, { type: 'SAMPLE', payload: { room } }),
    dial,
    answerWith(policy) {
      answerPolicy = policy;
      answerServers = [];
      void serversFor(policy);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      for (const [target, event] of wakeSources) target?.removeEventListener(event, onWake);
      cancelOpenTimer?.();
      cancelRetry?.();
      for (const waiting of asked.values()) for (const { resolve } of waiting) resolve(offline());
      asked.clear();
      for (const channel of [...channels]) channel.raw.close('closed');
      peer?.destroy();
      peer = null;
      setStatus('offline', 'Stopped.');
      firstAttemptEnded();
    },
  };
}
