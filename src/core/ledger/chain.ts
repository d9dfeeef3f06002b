import * as v from 'valibot';
import { encodeCanonical } from '../base/canonical';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { bytesSchema, decodeThrough, type Schema } from '../wire/gate';
import { idOfSigned, openSigned, sign, signedSchema, type Signed } from '../wire/signed';

/**
 * A generic signed log, one for each node in each community: an entry names its author, its community, its position, the
 * entry before it, a Lamport time and the entries of others that it builds on, and is signed over its exact bytes. Two entries
 * of one author in one community with one position are proof of a fork.
 */
export interface ChainEntry<Event> {
  readonly id: string;
  readonly community: string;
  readonly author: NodeId;
  readonly seq: number;
  readonly prev: string | null;
  /** Above that of the entry before it, and of all that its author had seen: for showing what came after what, never for a rule. */
  readonly lamport: number;
  /** The author's own clock: for people to read, never for a rule. */
  readonly at: number;
  /** Entries of others (or earlier ones) without which this one cannot be judged. */
  readonly refs: readonly EntryRef[];
  readonly event: Event;
}

/** An entry and where it stands, so that it is known whether a forger's log could ever bring it. */
export interface EntryRef {
  readonly author: NodeId;
  readonly seq: number;
  readonly id: string;
}

/** An entry on disk may carry one signed statement inside (a receipt), so it is allowed more than a bare signed body. */
export const MAX_ENTRY_BYTES = 64 * 1024;
/** What any event builds on is one or two entries. */
export const MAX_REFS = 8;
/**
 * The latest Lamport time that an entry may claim, and the latest that anybody follows: far above any count of entries, and
 * apart, so that whoever claims the last one stops nobody's log but its own.
 */
export const MAX_LAMPORT = 2 ** 48;
const MAX_LAMPORT_FOLLOWED = 2 ** 47;

const seqSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const entryBodySchema = <Event>(event: Schema<Event>) =>
  v.strictObject({
    type: v.literal('ledger-entry'),
    v: v.literal(2),
    community: cidSchema,
    author: nodeIdSchema,
    seq: seqSchema,
    prev: v.nullable(cidSchema),
    lamport: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_LAMPORT)),
    at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    refs: v.pipe(
      v.array(v.strictObject({ author: nodeIdSchema, seq: seqSchema, id: cidSchema })),
      v.maxLength(MAX_REFS),
      v.check((refs) => new Set(refs.map(({ id }) => id)).size === refs.length, 'a reference twice'),
    ),
    event,
  });

export interface ChainHead {
  readonly id: string | null;
  readonly length: number;
  readonly lamport: number;
}

export const EMPTY_HEAD: ChainHead = { id: null, length: 0, lamport: 0 };

export interface EntryDraft<Event> {
  readonly community: string;
  readonly event: Event;
  readonly at: number;
  readonly refs?: readonly EntryRef[];
  /** The largest Lamport time that this node has seen; the entry comes after it, unless nobody can have counted that far. */
  readonly seenLamport?: number;
}

export interface SignedEntry<Event> {
  readonly entry: ChainEntry<Event>;
  /** As it is stored and sent: canonical bytes of payload and signature. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly head: ChainHead;
}

/** Signs the next entry after `head`. */
export async function signEntry<Event>(
  signer: Signer,
  head: ChainHead,
  { community, event, at, refs = [], seenLamport = 0 }: EntryDraft<Event>,
): Promise<SignedEntry<Event>> {
  const lamport = Math.max(head.lamport, seenLamport < MAX_LAMPORT_FOLLOWED ? seenLamport : 0) + 1;
  const body = { community, author: signer.nodeId, seq: head.length, prev: head.id, lamport, at, refs, event };
  const signed = await sign(signer, { type: 'ledger-entry', v: 2, ...body } as never);
  const id = idOfSigned(signed);
  return { entry: { id, ...body }, bytes: encodeCanonical(signed), head: { id, length: head.length + 1, lamport } };
}

/**
 * An entry's bytes back through the gate: decode, schema, signature by its author and by nobody else. `verify` that always
 * says yes reads what was verified before it was stored.
 */
export async function openEntry<Event>(
  eventSchema: Schema<Event>,
  bytes: Uint8Array,
  verify: Verify,
): Promise<Result<ChainEntry<Event>>> {
  const signed = decodeThrough(signedSchema, bytes, MAX_ENTRY_BYTES);
  if (!signed.ok) return signed;
  return openSignedEntry(eventSchema, signed.value, verify);
}

async function openSignedEntry<Event>(
  eventSchema: Schema<Event>,
  signed: Signed,
  verify: Verify,
): Promise<Result<ChainEntry<Event>>> {
  const opened = await openSigned(
    entryBodySchema(eventSchema) as Schema<v.InferOutput<ReturnType<typeof entryBodySchema<Event>>>>,
    signed,
    verify,
  );
  if (!opened.ok) return opened;
  const { community, author, seq, prev, lamport, at, refs } = opened.value;
  if (signed.signatures[0]?.keyId !== author || signed.signatures.length !== 1) {
    return fail('signer_missing', 'A ledger entry is not signed by its author.');
  }
  const event = opened.value.event as Event;
  return ok({ id: idOfSigned(signed), community, author, seq, prev, lamport, at, refs, event });
}

/** Whether `entry` continues the chain: same log throughout, next position, right predecessor, growing Lamport time. */
export function continues(
  head: ChainHead,
  { community, author }: { readonly community: string; readonly author: NodeId },
  entry: ChainEntry<unknown>,
): Result<ChainHead> {
  if (entry.author !== author) return fail('foreign_author', 'The ledger mixes entries of two nodes.');
  if (entry.community !== community) return fail('foreign_community', 'The ledger mixes entries of two communities.');
  if (entry.seq !== head.length)
    return fail('chain_gap', `Entry ${entry.seq} stands where entry ${head.length} must be.`);
  if (entry.prev !== head.id) return fail('chain_broken', `Entry ${entry.seq} does not follow the entry before it.`);
  if (entry.lamport <= head.lamport) return fail('chain_broken', `Entry ${entry.seq} goes back in time.`);
  return ok({ id: entry.id, length: head.length + 1, lamport: entry.lamport });
}

/** Two entries that one author signed for one place of one log: whoever holds both needs to trust nobody. */
export const equivocationSchema = v.strictObject({
  type: v.literal('equivocation'),
  v: v.literal(1),
  /** Stored entries, the one with the lower id first, so that one fork has one proof. */
  a: bytesSchema(MAX_ENTRY_BYTES),
  b: bytesSchema(MAX_ENTRY_BYTES),
});

export type EquivocationProof = v.InferOutput<typeof equivocationSchema>;

export interface Equivocation {
  readonly author: NodeId;
  readonly community: string;
  readonly seq: number;
  readonly ids: readonly [string, string];
}

/** Everything of an entry but its event: a proof must hold for events that this version does not know. */
const anyEvent = v.unknown() as Schema<unknown>;

/** The proof that two stored entries make; both are copied, in the order of their ids. */
export const equivocationOf = (
  first: { readonly id: string; readonly bytes: Uint8Array },
  second: { readonly id: string; readonly bytes: Uint8Array },
): EquivocationProof => {
  const [a, b] = first.id < second.id ? [first, second] : [second, first];
  return { type: 'equivocation', v: 1, a: Uint8Array.from(a.bytes), b: Uint8Array.from(b.bytes) };
};

/** Codes of `openEntry`, and `no_equivocation` when the two entries do not exclude each other. */
export async function openEquivocation(proof: EquivocationProof, verify: Verify): Promise<Result<Equivocation>> {
  const a = await openEntry(anyEvent, proof.a, verify);
  if (!a.ok) return a;
  const b = await openEntry(anyEvent, proof.b, verify);
  if (!b.ok) return b;
  const [one, two] = [a.value, b.value];
  const same = one.author === two.author && one.community === two.community && one.seq === two.seq;
  if (!same || !(one.id < two.id)) return fail('no_equivocation', 'The two entries do not exclude each other.');
  return ok({ author: one.author, community: one.community, seq: one.seq, ids: [one.id, two.id] });
}
