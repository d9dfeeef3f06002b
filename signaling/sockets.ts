import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { fromHex, hex } from '#core/base/bytes';
import { encodeCanonical } from '#core/base/canonical';
import { fraction } from '#core/base/chance';
import { nodeIdSchema, type NodeId } from '#core/base/ids';
import type { Chance, Clock, Verify } from '#core/base/ports';
import { createTokenBucket } from '#core/bus/token-bucket';
import { checkAgainst } from '#core/wire/gate';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { authBody, MAX_SIGNALING_BYTES, type FromServer } from '#core/wire/signaling-messages';
import { createAddressCount, createAddressRate } from '#signaling/address';
import type { Admission } from '#signaling/admission';
import type { Counters } from '#signaling/counters';
import type { Attachment, Exchange, Inbox } from '#signaling/exchange';
import { CLOSE, type SignalingLimits } from '#signaling/limits';
import { createNegotiations } from '#signaling/negotiations';
import { incomingSchema, type Incoming, type Outgoing, type Relayed } from '#signaling/relay-messages';

const NONCE_BYTES = 32;
/** Nodes come back spread over this time after a restart, so that they do not all dial at once. */
const RETRY_AFTER_MS = { least: 500, most: 3_000 } as const;
/** How long a closing handshake may take before the socket is cut. */
const CLOSE_GRACE_MS = 1_000;

export interface SocketParts {
  readonly exchange: Exchange;
  readonly admission: Admission;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly limits: SignalingLimits;
  /** What was refused, by reason. */
  readonly refused: Counters;
  /** What was relayed, by type. */
  readonly relayed: Counters;
  /** Origins that may connect besides pages of this same host. */
  readonly allowedOrigins: readonly string[];
}

/**
 * The WebSocket side of the server: the PeerJS 1.5 protocol for clients that prove their id, with the messages of
 * `core/wire/signaling-messages` beside it. One id, one socket: a newer one that proves the same id replaces the older.
 */
export interface Sockets {
  /** Takes an upgrade request for the signaling path, or refuses it with an HTTP status. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Open sockets, proved or not. */
  count(): number;
  /** Says MOVED to all, closes them, takes no new ones; resolves within two seconds when all are gone. */
  drain(): Promise<void>;
}

export function createSockets(parts: SocketParts): Sockets {
  const { clock, limits, refused } = parts;
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SIGNALING_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const connections = new Set<Connection>();
  const perAddress = createAddressCount(limits.maxConnectionsPerAddress);
  const newPerAddress = createAddressRate(clock, limits.newConnectionsPerSecond, limits.newConnectionsBurst);
  let draining = false;
  let onEmpty: (() => void) | null = null;

  const stopPinging = clock.every(limits.pingPeriodMs, () => {
    for (const connection of connections) connection.ping();
  });

  function refusal(
    request: IncomingMessage,
    address: string,
  ): { readonly status: string; readonly reason: string } | null {
    if (draining) return { status: '503 Service Unavailable', reason: 'draining' };
    if (!originAllowed(request, parts.allowedOrigins)) return { status: '403 Forbidden', reason: 'origin' };
    if (connections.size >= limits.maxConnections) return { status: '503 Service Unavailable', reason: 'server_full' };
    if (!newPerAddress.take(address)) return { status: '429 Too Many Requests', reason: 'address_rate' };
    if (!perAddress.enter(address)) return { status: '429 Too Many Requests', reason: 'address_sockets' };
    return null;
  }

  return {
    upgrade(request, socket, head) {
      if (socket.destroyed) return;
      const address = request.socket.remoteAddress ?? '';
      const node = nodeIdIn(request.url ?? '');
      const refusing = node === null ? { status: '400 Bad Request', reason: 'bad_id' } : refusal(request, address);
      if (refusing !== null) {
        refused.add(refusing.reason);
        refuseUpgrade(socket, refusing.status);
        return;
      }
      // Given back exactly once, however the handshake or the connection ends.
      socket.once('close', () => perAddress.leave(address));
      wss.handleUpgrade(request, socket, head, (webSocket) => {
        const connection = openConnection(parts, webSocket, node!, () => {
          connections.delete(connection);
          if (connections.size === 0) onEmpty?.();
        });
        connections.add(connection);
      });
    },
    count: () => connections.size,
    async drain() {
      draining = true;
      stopPinging();
      if (connections.size > 0) {
        await new Promise<void>((resolve) => {
          const cut = clock.after(CLOSE_GRACE_MS, () => {
            for (const connection of connections) connection.cut();
          });
          onEmpty = () => {
            cut();
            resolve();
          };
          for (const connection of [...connections]) connection.move();
        });
      }
      wss.close();
    },
  };
}

interface Connection {
  /** Closes the socket when the last ping had no answer, else sends the next. */
  ping(): void;
  move(): void;
  cut(): void;
}

function openConnection(parts: SocketParts, socket: WebSocket, node: NodeId, onClosed: () => void): Connection {
  const { exchange, admission, verify, clock, chance, limits, refused, relayed } = parts;
  const bucket = createTokenBucket(clock, limits.messagesPerSecond, limits.messagesBurst);
  const negotiations = createNegotiations();
  const nonce = hex(chance.bytes(NONCE_BYTES));
  let attachment: Attachment | null = null;
  let open = true;
  let alive = true;
  let dropped = 0;
  // One message at a time, in order; the bucket bounds how many can wait.
  let working: Promise<void> = Promise.resolve();

  const stopWaiting = clock.after(limits.authTimeoutMs, () =>
    close(CLOSE.authTimeout, 'auth_timeout', 'the id was not proved in time'),
  );

  function send(message: Outgoing): void {
    if (!open) return;
    if (socket.bufferedAmount > limits.maxBufferedBytes) {
      refused.add('slow_reader');
      // A reader that does not read takes no closing handshake either.
      socket.terminate();
      return;
    }
    socket.send(JSON.stringify(message));
  }

  function close(code: number, reason: string | null, text: string): void {
    if (!open) return;
    open = false;
    if (reason !== null) refused.add(reason);
    socket.close(code, text);
    const stop = clock.after(CLOSE_GRACE_MS, () => socket.terminate());
    socket.once('close', stop);
  }

  const inbox: Inbox = {
    receive(message) {
      if (message.type === 'OFFER') negotiations.offered(message.payload.connectionId, message.src);
      send(message);
    },
    presence: (room, member, here) => send({ type: 'PRESENCE', payload: { room, node: member, here } }),
    replaced: () => close(CLOSE.replaced, null, 'this id connected again elsewhere'),
  };

  async function prove(message: Incoming): Promise<void> {
    if (message.type === 'HEARTBEAT') return;
    if (message.type !== 'AUTH') {
      refused.add('not_authenticated');
      return;
    }
    const signature = fromHex(message.payload.signature)!;
    if (!(await verify(node, encodeCanonical(authBody(nonce, node)), signature))) {
      close(CLOSE.badSignature, 'bad_signature', 'the signature does not match the id');
      return;
    }
    stopWaiting();
    if (!open) return;
    const attached = await exchange.attach(node, inbox);
    if (!open) return attached.detach();
    attachment = attached;
    send({ type: 'OPEN' });
  }

  async function serve(at: Attachment, message: Incoming): Promise<void> {
    switch (message.type) {
      case 'HEARTBEAT':
        return;
      case 'AUTH':
        refused.add('already_authenticated');
        return;
      case 'JOIN': {
        const { room, redemption } = message.payload;
        const admitted = await admission.admit(room, node, redemption);
        const joined = admitted.ok ? await at.join(room) : admitted;
        if (joined.ok) {
          send({ type: 'JOINED', payload: { room, members: [...joined.value.members], total: joined.value.total } });
        } else {
          refuse(room, joined.error.code, joined.error.message);
        }
        return;
      }
      case 'QUIT':
        return at.quit(message.payload.room);
      case 'SAMPLE': {
        const { room } = message.payload;
        const sample = await at.sample(room);
        if (sample === null) refuse(room, 'not_a_member', 'This node is not in that community on this server.');
        else send({ type: 'JOINED', payload: { room, members: [...sample.members], total: sample.total } });
        return;
      }
      default:
        return relay(at, message);
    }
  }

  function refuse(room: string, code: string, message: string): void {
    refused.add(code);
    const answer: FromServer = { type: 'REFUSED', payload: { room, code, message } };
    send(answer);
  }

  async function relay(at: Attachment, message: Relayed): Promise<void> {
    if (message.dst === node) {
      refused.add('to_itself');
      return;
    }
    const { refusedAs, ready } = negotiations.sending(message);
    if (refusedAs !== null) refused.add(refusedAs);
    for (const next of ready) {
      const outcome = await at.send({ ...next, src: node });
      if (outcome === 'delivered') relayed.add(next.type);
      else refused.add(outcome);
      // At once, and the same for both: whether a stranger is online is nobody's business.
      if (outcome !== 'delivered' && next.type === 'OFFER') send({ type: 'EXPIRE', src: next.dst, dst: node });
    }
  }

  function take(data: RawData, isBinary: boolean): void {
    alive = true;
    if (!open) return;
    if (isBinary) {
      close(CLOSE.unsupported, 'binary', 'text only');
      return;
    }
    if (!bucket.take()) {
      refused.add('rate');
      dropped += 1;
      if (dropped > limits.maxDroppedMessages) close(CLOSE.rate, 'rate_closed', 'too many messages');
      return;
    }
    const message = parseJsonThrough<Incoming>(incomingSchema, String(data), MAX_SIGNALING_BYTES);
    if (!message.ok) {
      refused.add('malformed');
      return;
    }
    working = working
      .then(() => {
        if (!open) return;
        return attachment === null ? prove(message.value) : serve(attachment, message.value);
      })
      .catch(() => close(CLOSE.internal, 'internal_error', 'the server made a mistake'));
  }

  socket.on('message', take);
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('error', (error: Error & { readonly code?: string }) => {
    refused.add(error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too_large' : 'bad_frame');
  });
  socket.on('close', () => {
    open = false;
    stopWaiting();
    void attachment?.detach();
    onClosed();
  });

  send({ type: 'CHALLENGE', payload: { nonce } });

  return {
    ping() {
      if (!alive) {
        refused.add('no_pong');
        socket.terminate();
        return;
      }
      alive = false;
      socket.ping();
    },
    move() {
      const { least, most } = RETRY_AFTER_MS;
      send({ type: 'MOVED', payload: { retryAfterMs: Math.round(least + fraction(chance) * (most - least)) } });
      close(CLOSE.goingAway, null, 'the server goes away');
    },
    cut: () => socket.terminate(),
  };
}

/** The id in the query of a PeerJS socket's URL, or null. */
function nodeIdIn(target: string): NodeId | null {
  const query = target.slice(target.indexOf('?') + 1);
  const id = checkAgainst(nodeIdSchema, new URLSearchParams(query).get('id'));
  return id.ok ? id.value : null;
}

/** Pages of this host and those that were allowed by name; programs send no Origin and have no visitor's rights to borrow. */
function originAllowed(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || allowed.includes(origin)) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
