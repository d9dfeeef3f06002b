/**
 * What one server carries and what one address or socket may ask of it. An honest tab needs 10 messages per link
 * (one OFFER, one ANSWER, 2 to 8 CANDIDATE) and dials up to 12 peers after a JOIN.
 */
export interface SignalingLimits {
  /** All sockets of this server: about 7 KB of memory each. */
  readonly maxConnections: number;
  /** Sockets from one address (an IPv6 /64 counts as one): a household or a class room behind one router. */
  readonly maxConnectionsPerAddress: number;
  /** New sockets per second from one address, and how many at once. */
  readonly newConnectionsPerSecond: number;
  readonly newConnectionsBurst: number;
  /** Messages per second from one socket, and how many at once: 12 links dialled together fit into the burst. */
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  /** Messages over the rate are dropped; a socket that goes on after this many is closed. */
  readonly maxDroppedMessages: number;
  /** Bytes that may wait in one socket's send buffer: a reader slower than that is closed. */
  readonly maxBufferedBytes: number;
  readonly maxRoomsPerConnection: number;
  readonly maxRoomMembers: number;
  readonly maxRooms: number;
  /** A socket that answers no ping for this long is closed; browsers answer by themselves, throttled or not. */
  readonly pingPeriodMs: number;
  /** How long a socket may take to prove its id. */
  readonly authTimeoutMs: number;
}

export const DEFAULT_LIMITS: SignalingLimits = {
  maxConnections: 5_000,
  maxConnectionsPerAddress: 128,
  newConnectionsPerSecond: 40,
  newConnectionsBurst: 128,
  messagesPerSecond: 30,
  messagesBurst: 120,
  maxDroppedMessages: 240,
  maxBufferedBytes: 1024 * 1024,
  maxRoomsPerConnection: 8,
  maxRoomMembers: 4_096,
  maxRooms: 10_000,
  pingPeriodMs: 30_000,
  authTimeoutMs: 5_000,
};

/** WebSocket close codes of ours (4000 to 4999 are free for applications, RFC 6455 section 7.4.2). */
export const CLOSE = {
  /** The id was not proved in time. */
  authTimeout: 4401,
  /** The signature does not match the id. */
  badSignature: 4403,
  /** Another socket proved the same id later: do not reconnect, the node runs elsewhere. */
  replaced: 4409,
  /** Far too many messages. */
  rate: 4429,
  /** The reader is too slow. */
  slow: 4413,
  /** The server goes away: reconnect after the time that MOVED named (RFC 6455 section 7.4.1). */
  goingAway: 1001,
  /** Binary data (RFC 6455 section 7.4.1). */
  unsupported: 1003,
  /** A bug of ours met this message (RFC 6455 section 7.4.1). */
  internal: 1011,
} as const;
