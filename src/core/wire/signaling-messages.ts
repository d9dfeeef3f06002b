import * as v from 'valibot';
import { nodeIdSchema } from '../base/ids';

/**
 * What the signaling server and a node say to each other over the WebSocket, as JSON. The PeerJS 1.5 protocol (OPEN,
 * OFFER, ANSWER, CANDIDATE, LEAVE, EXPIRE, HEARTBEAT, ERROR, ID-TAKEN) is carried unchanged, so the unmodified PeerJS client works;
 * the types below are ours and travel beside it. Every message is `{type, src?, dst?, payload?}`.
 *
 *   server → CHALLENGE {nonce}                 first thing after the socket opens
 *   node   → AUTH {signature}                  hex Ed25519 over `authBody` in canonical bytes; 5 s or the socket closes
 *   server → OPEN                              only now, also on every reconnect
 *   node   → JOIN {room, redemption?}          room: community id; redemption: base64 of a canonical `Redemption` envelope
 *   server → JOINED {room, members, total}     a random sample of members, never the whole room
 *   server → REFUSED {room, code, message}     not admitted
 *   node   → QUIT {room}
 *   node   → SAMPLE {room}                     server answers JOINED again with a fresh sample
 *   server → PRESENCE {room, node, here}       sent to a random sample of the room when someone comes or goes
 *   server → MOVED {retryAfterMs}              the server drains: stay on your links, reconnect later
 */
export const ROOM_SAMPLE_SIZE = 12;
export const MAX_SIGNALING_BYTES = 64 * 1024;

const roomSchema = v.pipe(v.string(), v.regex(/^[a-z0-9]{8,80}$/, 'not a room'));
const hexOf = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), 'not hex'));

export const challengeSchema = v.object({
  type: v.literal('CHALLENGE'),
  payload: v.strictObject({ nonce: hexOf(32) }),
});
export const authSchema = v.object({ type: v.literal('AUTH'), payload: v.strictObject({ signature: hexOf(64) }) });
export const joinSchema = v.object({
  type: v.literal('JOIN'),
  payload: v.strictObject({
    room: roomSchema,
    redemption: v.optional(v.pipe(v.string(), v.maxLength(8 * 1024))),
  }),
});
export const quitSchema = v.object({ type: v.literal('QUIT'), payload: v.strictObject({ room: roomSchema }) });
export const sampleSchema = v.object({ type: v.literal('SAMPLE'), payload: v.strictObject({ room: roomSchema }) });
export const joinedSchema = v.object({
  type: v.literal('JOINED'),
  payload: v.strictObject({
    room: roomSchema,
    members: v.pipe(v.array(nodeIdSchema), v.maxLength(64)),
    total: v.pipe(v.number(), v.integer(), v.minValue(0)),
  }),
});
export const refusedSchema = v.object({
  type: v.literal('REFUSED'),
  payload: v.strictObject({
    room: roomSchema,
    code: v.pipe(v.string(), v.maxLength(64)),
    message: v.pipe(v.string(), v.maxLength(300)),
  }),
});
export const presenceSchema = v.object({
  type: v.literal('PRESENCE'),
  payload: v.strictObject({ room: roomSchema, node: nodeIdSchema, here: v.boolean() }),
});
export const movedSchema = v.object({
  type: v.literal('MOVED'),
  payload: v.strictObject({ retryAfterMs: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(600_000)) }),
});

export const fromServerSchema = v.variant('type', [
  challengeSchema,
  joinedSchema,
  refusedSchema,
  presenceSchema,
  movedSchema,
]);
export const toServerSchema = v.variant('type', [authSchema, joinSchema, quitSchema, sampleSchema]);
export type FromServer = v.InferOutput<typeof fromServerSchema>;
export type ToServer = v.InferOutput<typeof toServerSchema>;

/** What a node signs to prove that the id is its key (canonical bytes of this map). */
export const authBody = (nonce: string, node: string) => ({ type: 'signaling-auth', v: 1, nonce, node }) as const;

/**
 * `GET /api/config`: what a page needs before it can open links. `community` is the open community's signed manifest
 * (payload and signatures in base64), `iceServers` as in RTCConfiguration, from `--ice` and the server's own STUN port.
 */
export const serverConfigSchema = v.object({
  version: v.string(),
  community: v.object({
    payload: v.string(),
    signatures: v.array(v.object({ keyId: nodeIdSchema, signature: v.string() })),
  }),
  iceServers: v.array(
    v.object({
      urls: v.union([v.string(), v.array(v.string())]),
      username: v.optional(v.string()),
      credential: v.optional(v.string()),
    }),
  ),
});
export type ServerConfig = v.InferOutput<typeof serverConfigSchema>;
