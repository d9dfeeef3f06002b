import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { idSchema } from '../base/ids';
import { withoutUndefined } from '../base/plain';
import { WIRE_VERSION } from '../wire/limits';
import { CAPABILITY_PATTERN, type CapabilityId } from './capability';

/** What nodes say to each other over a link, as canonical bytes. Every message carries its version first. */

const capabilityIdSchema = v.custom<CapabilityId>(
  (input) => typeof input === 'string' && CAPABILITY_PATTERN.test(input),
  'not a capability',
);
const count = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
const shortText = (max: number) => v.pipe(v.string(), v.maxLength(max));
const version = v.literal(WIRE_VERSION);

/** A call may ask for at most ten minutes; the capability's own limit may be lower. */
export const MAX_CALL_MS = 600_000;

/** Chunks that follow each other closer than a few milliseconds travel together, up to this many. */
export const MAX_CHUNKS_PER_MESSAGE = 32;

export const modelNoteSchema = v.strictObject({
  id: shortText(64),
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: shortText(64),
  /** Runtime and backend, for instance `transformers/wasm`: numbers of different ones are not compared. */
  engine: shortText(64),
  /** Models of one family fail alike; absent: not known. */
  family: v.optional(shortText(32)),
  /** What it does; absent: it answers. */
  task: v.optional(v.picklist(['embed', 'rerank'])),
});

/** Models that one card names. */
export const MAX_MODEL_NOTES = 16;

/** What a node says of itself to those it has a link with: on connecting, when something changed, and as its heartbeat. */
export const cardSchema = v.strictObject({
  seq: count(Number.MAX_SAFE_INTEGER),
  contributing: v.boolean(),
  capabilities: v.pipe(v.array(capabilityIdSchema), v.maxLength(64)),
  models: v.pipe(v.array(modelNoteSchema), v.maxLength(MAX_MODEL_NOTES)),
  runningJobs: count(1_000),
  device: v.nullable(
    v.strictObject({
      webgpu: v.boolean(),
      cores: v.nullable(count(1_024)),
      memoryGb: v.nullable(count(65_536)),
      tokensPerSecond: v.nullable(v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1e6))),
    }),
  ),
});

const callSchema = v.strictObject({
  v: version,
  t: v.literal('call'),
  id: idSchema,
  capability: capabilityIdSchema,
  input: v.unknown(),
  timeoutMs: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CALL_MS)),
});
const chunkSchema = v.strictObject({
  v: version,
  t: v.literal('chunk'),
  id: idSchema,
  /** Number of the first of these chunks within the call. */
  seq: count(1_000_000),
  bodies: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_CHUNKS_PER_MESSAGE)),
});
const doneSchema = v.strictObject({ v: version, t: v.literal('done'), id: idSchema, output: v.unknown() });
const failedSchema = v.strictObject({
  v: version,
  t: v.literal('failed'),
  id: idSchema,
  code: v.pipe(v.string(), v.regex(/^[a-z_]{1,64}$/)),
  message: shortText(300),
});
const cancelSchema = v.strictObject({ v: version, t: v.literal('cancel'), id: idSchema });
const cardMessageSchema = v.strictObject({ v: version, t: v.literal('card'), card: cardSchema });

export const busMessageSchema = v.pipe(
  // The version is looked at before the rest, so that a newer node is told apart from a broken one.
  v.looseObject({ v: version }),
  v.variant('t', [callSchema, chunkSchema, doneSchema, failedSchema, cancelSchema, cardMessageSchema]),
);

export type BusMessage = v.InferOutput<typeof busMessageSchema>;
export type NodeCard = v.InferOutput<typeof cardSchema>;

export const encodeBusMessage = (message: BusMessage): Uint8Array<ArrayBuffer> =>
  encodeCanonical(withoutUndefined(message));
