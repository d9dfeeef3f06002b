import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { nodeIdSchema, SIGNATURE_BYTES } from '../base/ids';
import { bytesSchema } from '../wire/gate';
import { MAX_SIGNED_BYTES, WIRE_VERSION } from '../wire/limits';

/**
 * What the two ends of a link say to each other about the link itself, in control frames, as canonical bytes:
 *
 *   hello   both ways, first    who I say I am, a fresh nonce, what I present for admission
 *   proof   both ways           Ed25519 over `linkProofBody`, which names both nodes, nonces and DTLS fingerprints
 *   ready   both ways           I verified and admitted you; messages may follow
 *   beat    every 2 s           heartbeat; `reply` asks for one back at once
 *   bye     before closing      why, as a code
 */
export const NONCE_BYTES = 32;
export const INSTANCE_BYTES = 16;

const exactly = (count: number) =>
  v.pipe(
    bytesSchema(count),
    v.check((bytes) => bytes.length === count, 'not the right number of bytes'),
  );
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
export const closeCodeSchema = v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,64}$/, 'not a code'));

export const helloSchema = v.strictObject({
  v: v.literal(WIRE_VERSION),
  type: v.literal('hello'),
  community: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  node: nodeIdSchema,
  nonce: exactly(NONCE_BYTES),
  /** Changes whenever the node starts anew: tells a peer that came back from a dial that crossed ours. */
  instance: exactly(INSTANCE_BYTES),
  credential: bytesSchema(MAX_SIGNED_BYTES),
});
export const proofSchema = v.strictObject({
  v: v.literal(WIRE_VERSION),
  type: v.literal('proof'),
  signature: exactly(SIGNATURE_BYTES),
});
export const readySchema = v.strictObject({ v: v.literal(WIRE_VERSION), type: v.literal('ready') });
export const beatSchema = v.strictObject({
  v: v.literal(WIRE_VERSION),
  type: v.literal('beat'),
  sequence: count,
  /** The last beat heard from the other side and how long it waited here, in milliseconds; null when none came yet. */
  echo: v.nullable(v.strictObject({ sequence: count, heldMs: count })),
  reply: v.boolean(),
});
export const byeSchema = v.strictObject({ v: v.literal(WIRE_VERSION), type: v.literal('bye'), code: closeCodeSchema });

export const controlSchema = v.variant('type', [helloSchema, proofSchema, readySchema, beatSchema, byeSchema]);
export type Control = v.InferOutput<typeof controlSchema>;
export type Hello = v.InferOutput<typeof helloSchema>;

export const encodeControl = (message: Control): Uint8Array<ArrayBuffer> => encodeCanonical(message);

export interface LinkProof {
  readonly community: string;
  readonly initiator: string;
  readonly responder: string;
  readonly nonceInitiator: Uint8Array;
  readonly nonceResponder: Uint8Array;
  readonly fingerprintInitiator: string;
  readonly fingerprintResponder: string;
}

/**
 * What both ends sign. The fingerprints are those of the DTLS certificates of this very channel (RFC 8122), so a
 * rendezvous that put itself in the middle cannot pass the proof on; the nonces make an old proof worthless.
 */
export const linkProofBody = (proof: LinkProof): Uint8Array<ArrayBuffer> =>
  encodeCanonical({ type: 'link-proof', v: WIRE_VERSION, ...proof });
