import * as v from 'valibot';
import { nodeIdSchema, type NodeId } from '#core/base/ids';
import {
  joinSchema,
  authSchema,
  quitSchema,
  sampleSchema,
  type FromServer,
  type ToServer,
} from '#core/wire/signaling-messages';

/** The largest session description that is relayed: a data-only offer with all its candidates has under 2 KB. */
const MAX_SDP_CHARS = 16 * 1024;
const MAX_CANDIDATE_CHARS = 1024;
/** PeerJS makes `dc_` and up to 13 characters of base 36. */
const connectionIdSchema = v.pipe(v.string(), v.regex(/^dc_[a-z0-9]{1,24}$/, 'not a connection id'));

const descriptionSchema = <T extends string>(type: T) =>
  v.object({ type: v.literal(type), sdp: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_SDP_CHARS)) });

/**
 * The PeerJS 1.5 messages that pass from one node to another, as strict as our own client can live with: data
 * connections only and `serialization: 'raw'` only, because an unknown serialization makes the receiving PeerJS throw.
 * What is relayed is what the schema returned, so members that are not named here never reach the other side.
 */
const offerSchema = v.object({
  type: v.literal('OFFER'),
  dst: nodeIdSchema,
  payload: v.strictObject({
    sdp: descriptionSchema('offer'),
    type: v.literal('data'),
    connectionId: connectionIdSchema,
    label: v.optional(v.pipe(v.string(), v.maxLength(64))),
    reliable: v.optional(v.boolean()),
    serialization: v.literal('raw'),
    metadata: v.optional(v.union([v.null(), v.pipe(v.string(), v.maxLength(64)), v.strictObject({})])),
  }),
});

const answerSchema = v.object({
  type: v.literal('ANSWER'),
  dst: nodeIdSchema,
  payload: v.strictObject({
    sdp: descriptionSchema('answer'),
    type: v.literal('data'),
    connectionId: connectionIdSchema,
  }),
});

const candidateSchema = v.object({
  type: v.literal('CANDIDATE'),
  dst: nodeIdSchema,
  payload: v.strictObject({
    candidate: v.object({
      candidate: v.pipe(v.string(), v.maxLength(MAX_CANDIDATE_CHARS)),
      sdpMid: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
      sdpMLineIndex: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)))),
      usernameFragment: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256)))),
    }),
    type: v.literal('data'),
    connectionId: connectionIdSchema,
  }),
});

/** Leaving and expiring carry nothing but who and whom; a payload that comes along is dropped. */
const leaveSchema = v.object({ type: v.literal('LEAVE'), dst: nodeIdSchema });
const expireSchema = v.object({ type: v.literal('EXPIRE'), dst: nodeIdSchema });
const heartbeatSchema = v.object({ type: v.literal('HEARTBEAT') });

export const relayedSchema = v.variant('type', [offerSchema, answerSchema, candidateSchema, leaveSchema, expireSchema]);

/** Everything that a node may say to the server. */
export const incomingSchema = v.variant('type', [
  ...relayedSchema.options,
  heartbeatSchema,
  authSchema,
  joinSchema,
  quitSchema,
  sampleSchema,
]);

export type Relayed = v.InferOutput<typeof relayedSchema>;
export type Incoming = Relayed | ToServer | { readonly type: 'HEARTBEAT' };

/** A relayed message with its sender, which is always the id that the sender's socket proved. */
export type Addressed = Relayed & { readonly src: NodeId };

/** Everything that the server says to a node. */
export type Outgoing = FromServer | Addressed | { readonly type: 'OPEN' };
