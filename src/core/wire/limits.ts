/**
 * Size limits of everything that crosses a link. SCTP has no message interleaving, so one large message blocks the
 * whole link: frames stay at the 16 KiB that every browser carries without fragmentation trouble.
 */
export const MAX_FRAME_BYTES = 16 * 1024;
/** The largest whole message: room for a prompt of a few thousand tokens with its ids, small enough to decode in a few milliseconds. */
export const MAX_MESSAGE_BYTES = 256 * 1024;
/** Handshake, heartbeat and announcement messages never need more. */
export const MAX_CONTROL_BYTES = 64 * 1024;
/** A signed body inside a message: receipts, verdicts, invites, manifests. */
export const MAX_SIGNED_BYTES = 32 * 1024;
/** The version of messages between nodes. A message with another major version is refused, never guessed at. */
export const WIRE_VERSION = 1;
