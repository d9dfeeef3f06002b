import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { decodeThrough, type Schema } from '../wire/gate';
import { idOfSigned, openSigned, sign, signedSchema, type Signed } from '../wire/signed';

/**
 * A generic signed log: each entry names its author, its position, the entry before it and a Lamport time, and is
 * signed over its exact bytes. Two entries of one author with one position are proof of a fork.
 */
export interface ChainEntry<Event> {
  readonly id: string;
  readonly author: NodeId;
  readonly seq: number;
  readonly prev: string | null;
  readonly lamport: number;
  readonly at: number;
  readonly event: Event;
}

/** An entry on disk may carry one signed statement inside (a receipt), so it is allowed more than a bare signed body. */
export const MAX_ENTRY_BYTES = 64 * 1024;

const entryBodySchema = <Event>(event: Schema<Event>) =>
  v.strictObject({
    type: v.literal('ledger-entry'),
    v: v.literal(1),
    author: nodeIdSchema,
    seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    prev: v.nullable(cidSchema),
    lamport: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    event,
  });

export interface ChainHead {
  readonly id: string | null;
  readonly length: number;
  readonly lamport: number;
}

export const EMPTY_HEAD: ChainHead = { id: null, length: 0, lamport: 0 };

/** Signs the next entry after `head` and gives its bytes as they are stored. */
export async function signEntry<Event>(
  signer: Signer,
  head: ChainHead,
  event: Event,
  at: number,
): Promise<{ entry: ChainEntry<Event>; bytes: Uint8Array<ArrayBuffer>; head: ChainHead }> {
  const body = { author: signer.nodeId, seq: head.length, prev: head.id, lamport: head.lamport + 1, at, event };
  const signed = await sign(signer, { type: 'ledger-entry', v: 1, ...body } as never);
  const id = idOfSigned(signed);
  return {
    entry: { id, ...body },
    bytes: encodeCanonical(signed),
    head: { id, length: head.length + 1, lamport: body.lamport },
  };
}

/** An entry's bytes back through the gate: decode, schema, signature by its author. */
export async function openEntry<Event>(
  eventSchema: Schema<Event>,
  bytes: Uint8Array,
  verify: Verify,
): Promise<Result<ChainEntry<Event>>> {
  const signed = decodeThrough(signedSchema, bytes, MAX_ENTRY_BYTES);
  if (!signed.ok) return signed;
  const opened = await openSigned(
    entryBodySchema(eventSchema) as Schema<v.InferOutput<ReturnType<typeof entryBodySchema<Event>>>>,
    signed.value as Signed,
    verify,
  );
  if (!opened.ok) return opened;
  const { author, seq, prev, lamport, at } = opened.value;
  if (signed.value.signatures[0]?.keyId !== author || signed.value.signatures.length !== 1) {
    return fail('signer_missing', 'A ledger entry is not signed by its author.');
  }
  return ok({ id: idOfSigned(signed.value), author, seq, prev, lamport, at, event: opened.value.event as Event });
}

/** Whether `entry` continues the chain: same author throughout, next position, right predecessor, growing Lamport time. */
export function continues(head: ChainHead, author: NodeId | null, entry: ChainEntry<unknown>): Result<ChainHead> {
  if (author !== null && entry.author !== author)
    return fail('foreign_author', 'The ledger mixes entries of two nodes.');
  if (entry.seq !== head.length)
    return fail('chain_gap', `Entry ${entry.seq} stands where entry ${head.length} must be.`);
  if (entry.prev !== head.id) return fail('chain_broken', `Entry ${entry.seq} does not follow the entry before it.`);
  if (entry.lamport <= head.lamport) return fail('chain_broken', `Entry ${entry.seq} goes back in time.`);
  return ok({ id: entry.id, length: head.length + 1, lamport: entry.lamport });
}
