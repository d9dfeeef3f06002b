import type { EventSource } from '../base/events';
import type { NodeId } from '../base/ids';
import type { Result } from '../base/result';

/**
 * A raw, ordered, reliable channel to a peer that only *claims* its id: nothing is proved before the handshake. The
 * adapter delivers frames whole, in order, at most once. Frames that arrived before the first listener are kept for it.
 * After `close` from either side `closed` is emitted exactly once (a listener that comes later is told at once) and
 * `send` does nothing.
 */
export interface RawChannel {
  readonly claimedPeer: NodeId;
  /** True on the side that dialled. */
  readonly initiator: boolean;
  /** At most MAX_FRAME_BYTES. The caller keeps `bufferedBytes` under its own high-water mark. */
  send(frame: Uint8Array): void;
  readonly bufferedBytes: number;
  /** Emits when the buffer fell below the low-water mark. */
  readonly drained: EventSource<void>;
  readonly frames: EventSource<Uint8Array<ArrayBuffer>>;
  /** Emits one word or sentence why. */
  readonly closed: EventSource<string>;
  close(reason: string): void;
  /** What ties the handshake to this channel: the DTLS certificate fingerprints of both ends (RFC 8122 text form). */
  binding(): { readonly local: string; readonly remote: string };
}

export type RendezvousState = 'connecting' | 'online' | 'offline';

export interface RendezvousStatus {
  readonly state: RendezvousState;
  /** One sentence for the person, empty when online. */
  readonly reason: string;
}

export interface Presence {
  readonly room: string;
  readonly node: NodeId;
  readonly here: boolean;
}

/** Which ICE candidates links may use: only this device's own, or the servers that the community configured too. */
export type IcePolicy = 'host-only' | 'configured';

/**
 * Where nodes find each other, and how a channel to one of them is opened. It grants no trust. It reconnects by itself
 * with jittered back-off; existing channels live on while it is away, and who is met when a room is joined again is told
 * as presence. `dial` fails with `peer_unavailable` (the rendezvous does not know it, or the two share no room),
 * `unreachable` (no candidate pair worked; the message says so), `dial_timeout` or `offline`.
 */
export interface Network {
  readonly self: NodeId;
  readonly status: RendezvousStatus;
  readonly statusChanged: EventSource<RendezvousStatus>;
  readonly incoming: EventSource<RawChannel>;
  readonly presence: EventSource<Presence>;
  /** Resolves after the first attempt ended, well or not. */
  start(): Promise<void>;
  /** Joins a room (again after every reconnect) and resolves to a sample of its members. `proof`: base64 for the server. */
  join(room: string, proof?: string): Promise<Result<readonly NodeId[]>>;
  quit(room: string): void;
  /** A fresh sample of a joined room. */
  sample(room: string): Promise<Result<readonly NodeId[]>>;
  dial(peer: NodeId, icePolicy: IcePolicy): Promise<Result<RawChannel>>;
  /** Which candidates are used to answer those who dial us; `host-only` until this is called. */
  answerWith(icePolicy: IcePolicy): void;
  /** Closes every channel and leaves, so that the other side learns it at once. */
  stop(): Promise<void>;
}

export type LinkState = 'live' | 'suspect' | 'closed';

/** An authenticated link to one peer: both keys proved, bound to this channel. Messages arrive whole, in order. */
export interface Link {
  readonly peer: NodeId;
  readonly state: LinkState;
  /** Smoothed round trip in milliseconds, null before the first heartbeat came back. */
  readonly rttMs: number | null;
  /** What the peer said of itself in the handshake, as admitted by the predicate. */
  readonly admission: Admission;
  /**
   * Resolves when the whole message was handed to the channel under back-pressure; fails with `too_large`,
   * `backlog_full` (8 MiB wait already), `link_closed` or `send_timeout` (10 s without progress closes the link). The
   * bytes must not change until then.
   */
  send(message: Uint8Array): Promise<Result<void>>;
  /** Messages that arrive before the first listener are kept for it. */
  readonly messages: EventSource<Uint8Array<ArrayBuffer>>;
  readonly stateChanged: EventSource<LinkState>;
  close(reason: string): void;
  /** Counts a protocol violation; past the budget the link closes and the peer is refused for a while. */
  violate(code: string): void;
}

export type TrustLevel = 'unknown' | 'member' | 'trusted' | 'anchor';

export interface Admission {
  readonly trust: TrustLevel;
  /** The person whom the peer's certificate names; null when it showed none. */
  readonly identity?: NodeId | null;
  /** The invitation of the founder by which its whole line came in; null where there is none. */
  readonly branch?: string | null;
  /** Who invited it, and the content id of the invitation; null where there was none. */
  readonly invitedBy?: NodeId | null;
  readonly invite?: string | null;
}

/** What a peer presents in the handshake: canonical bytes that `identity` understands, at most MAX_SIGNED_BYTES. */
export type Credential = Uint8Array<ArrayBuffer>;

/** Handed in from above: who may have a link. A refusal closes the channel with the failure's `code`. */
export type Admit = (peer: NodeId, credential: Credential) => Promise<Result<Admission>>;

export type LinkEvent =
  | { readonly type: 'up'; readonly link: Link }
  | { readonly type: 'suspect'; readonly link: Link }
  | { readonly type: 'live'; readonly link: Link }
  | { readonly type: 'down'; readonly link: Link; readonly reason: string }
  | { readonly type: 'unreachable'; readonly peer: NodeId; readonly code: string; readonly message: string };

/**
 * The links of one node in one community: dials the sample it is given up to a budget, answers incoming channels, keeps
 * one link per pair (of two crossing dials the one from the smaller node id stays), probes with heartbeats and
 * redials what was lost.
 */
export interface Links {
  readonly all: readonly Link[];
  to(peer: NodeId): Link | null;
  readonly events: EventSource<LinkEvent>;
  /** Peers that were tried and could not be reached, with the reason. */
  readonly unreachable: readonly { readonly peer: NodeId; readonly code: string; readonly message: string }[];
  /** Makes a link if there is none; used for peers learned from rooms and presence. */
  want(peer: NodeId): void;
  /**
   * The same for a peer whose word is needed now: also where no further link would be dialled, as long as one more can be held. True
   * once there is a link; false when there is none within the time.
   */
  reach(peer: NodeId, timeoutMs: number): Promise<boolean>;
  /**
   * Makes a link of a channel that came about without the rendezvous, dialled or answered: shaken hands and admitted like
   * any. Resolves when that is decided, to the handshake's failure if there is no link.
   */
  take(channel: RawChannel): Promise<Result<void>>;
  /** Ends the wish: no more dialling. A link that stands stays; close it to end it too. */
  forget(peer: NodeId): void;
  /** From now on links use this policy; links made under a stricter one are rebuilt where they failed. */
  setIcePolicy(policy: IcePolicy): void;
  /** Probes every link now (after waking up, becoming visible or a network change). */
  probe(): void;
  close(): Promise<void>;
}
