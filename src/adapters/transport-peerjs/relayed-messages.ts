import * as v from 'valibot';
import { nodeIdSchema } from '#core/base/ids';

/**
 * What other nodes may say to PeerJS through the server, checked before PeerJS sees it: PeerJS 1.5 throws on an unknown
 * serialization and on malformed descriptions, answers media calls, and keeps candidates of unknown connections for ever.
 */
const connectionId = v.pipe(v.string(), v.regex(/^dc_[a-z0-9]{1,24}$/));
const description = <T extends string>(type: T) =>
  v.object({ type: v.literal(type), sdp: v.pipe(v.string(), v.minLength(1), v.maxLength(16 * 1024)) });

export const relayedSchema = v.variant('type', [
  v.object({
    type: v.literal('OFFER'),
    src: nodeIdSchema,
    payload: v.object({
      type: v.literal('data'),
      serialization: v.literal('raw'),
      connectionId,
      sdp: description('offer'),
      label: v.optional(v.pipe(v.string(), v.maxLength(64))),
      reliable: v.optional(v.boolean()),
    }),
  }),
  v.object({
    type: v.literal('ANSWER'),
    src: nodeIdSchema,
    payload: v.object({ type: v.literal('data'), connectionId, sdp: description('answer') }),
  }),
  v.object({
    type: v.literal('CANDIDATE'),
    src: nodeIdSchema,
    payload: v.object({
      type: v.literal('data'),
      connectionId,
      candidate: v.object({
        candidate: v.pipe(v.string(), v.maxLength(1024)),
        sdpMid: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
        sdpMLineIndex: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)))),
        usernameFragment: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256)))),
      }),
    }),
  }),
  v.object({ type: v.literal('EXPIRE'), src: nodeIdSchema }),
]);

/** Refusals of the server in PeerJS's own words; the text is for the person, cut to a sentence. */
export const refusalSchema = v.object({
  type: v.picklist(['ERROR', 'ID-TAKEN', 'INVALID-KEY']),
  payload: v.optional(v.object({ msg: v.optional(v.string()) })),
});

export const openSchema = v.object({ type: v.literal('OPEN') });
