import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { cidSchema } from '../base/ids';
import { withoutUndefined } from '../base/plain';
import { ok, type Result } from '../base/result';
import { saltSchema } from '../ledger/statements';
import { bytesSchema, decodeThrough } from '../wire/gate';
import { MAX_MESSAGE_BYTES } from '../wire/limits';
import { signedSchema } from '../wire/signed';
import { readTrace, traceSchema } from './trace';

/** A trace with the longest answer, its question, its output and every statement stays far below this. */
export const MAX_KEPT_TRACE_BYTES = 2 * 1024 * 1024;
const MAX_STATEMENTS = 64;

const valueSchema = bytesSchema(MAX_MESSAGE_BYTES);

/** Everything that a requester needs to show later how one of its questions was answered. It holds the words: it stays here. */
const keptTraceSchema = v.strictObject({
  type: v.literal('kept-trace'),
  v: v.literal(1),
  /** With its words. */
  trace: traceSchema,
  /** Commitments, verdicts and the seal that the trace names. */
  statements: v.pipe(v.array(signedSchema), v.maxLength(MAX_STATEMENTS)),
  request: v.strictObject({
    salt: saltSchema,
    sealSalt: saltSchema,
    input: valueSchema,
    /** The task packet; absent where the words are more than one holds, and where only this device was asked. */
    packet: v.optional(signedSchema),
  }),
  jobs: v.pipe(
    v.array(v.strictObject({ commitment: cidSchema, salt: saltSchema, input: valueSchema, output: valueSchema })),
    v.maxLength(MAX_STATEMENTS),
  ),
});

export type KeptTrace = v.InferOutput<typeof keptTraceSchema>;

/** The bytes of a kept trace, or why it cannot be kept: it is checked before anything is written. Codes of the gate. */
export function encodeKeptTrace(kept: KeptTrace): Result<Uint8Array<ArrayBuffer>> {
  const trace = readTrace(withoutUndefined(kept.trace));
  if (!trace.ok) return trace;
  const bytes = encodeCanonical(withoutUndefined(kept));
  const back = decodeKeptTrace(bytes);
  return back.ok ? ok(bytes) : back;
}

export const decodeKeptTrace = (bytes: Uint8Array): Result<KeptTrace> =>
  decodeThrough(keptTraceSchema, bytes, MAX_KEPT_TRACE_BYTES);
