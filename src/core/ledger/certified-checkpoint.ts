import * as v from 'valibot';
import { equalBytes, utf8, utf8Decode } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { instantSchema, type Community } from '../identity/community';
import { bytesSchema, checkAgainst } from '../wire/gate';
import { openSigned, sign, type Signed } from '../wire/signed';
import type { Checkpoint } from './checkpoints';
import { SNAPSHOT_VERSION, type FoldSnapshot } from './fold';
import { leafHash, rootOfLeaves } from './merkle';
import { packPlain, unpackPlain } from './pack-plain';
import { quorumOf } from './witnesses';

/** Of what a checkpoint holds: that of 100,000 entries has some 4.3 MB, and a tab can hold this much for a moment. */
export const MAX_CERTIFIED_BYTES = 48 * 1024 * 1024;
const HASH_BYTES = 32;

const count = (max: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(max));
const hashSchema = v.pipe(bytesSchema(HASH_BYTES), v.length(HASH_BYTES, 'not a hash'));

/**
 * "I hold these logs so far, and they come to this." Who begins with it need not replay them; which entries it was may be shown of each log
 * by its root in `state`, and of each log by `root`.
 */
export const ledgerCheckpointSchema = v.strictObject({
  type: v.literal('ledger-checkpoint'),
  v: v.literal(1),
  community: cidSchema,
  logs: count(1_000_000),
  entries: count(Number.MAX_SAFE_INTEGER),
  /** Of the Merkle tree over the heads, ascending by author (RFC 9162, section 2.1.1). */
  root: hashSchema,
  /** SHA-256 over the bytes that hold heads and state. */
  state: hashSchema,
  /** So many. */
  size: count(MAX_CERTIFIED_BYTES),
  at: instantSchema,
});

export type LedgerCheckpoint = v.InferOutput<typeof ledgerCheckpointSchema>;

/** A checkpoint with what it is about, as it is kept and handed on. */
export interface CertifiedCheckpoint {
  readonly signed: Signed;
  readonly packed: Uint8Array<ArrayBuffer>;
}

const headsSchema = v.array(
  v.strictTuple([
    nodeIdSchema,
    cidSchema,
    v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  ]),
);

const rootOfHeads = (heads: Checkpoint['heads']): Uint8Array<ArrayBuffer> =>
  rootOfLeaves(heads.map((head) => leafHash(encodeCanonical(head))));

/** Who has to sign a checkpoint of that community: the manifest's own witnesses, whom a newcomer knows without any log. */
export const certifiersOf = ({ economy }: Community): readonly NodeId[] => economy?.witnesses ?? [];

/** Signs that these are the logs as this node holds them. Codes: `too_large`. */
export async function signCheckpoint(
  signer: Signer,
  community: Community,
  checkpoint: Checkpoint,
  at: number,
): Promise<Result<CertifiedCheckpoint>> {
  const packed = packedOf(checkpoint);
  if (packed.length > MAX_CERTIFIED_BYTES) return fail('too_large', 'What the logs come to is too large to hand on.');
  const body: LedgerCheckpoint = { ...headOf(community, checkpoint), ...stateOf(packed), at };
  return ok({ signed: await sign(signer, body), packed });
}

/** Whether a statement says of the logs what this node finds. What they come to is packed only where it is about the same entries. */
export function saysTheSame(said: LedgerCheckpoint, community: Community, checkpoint: Checkpoint): boolean {
  const { logs, entries, root, community: of } = headOf(community, checkpoint);
  if (said.community !== of || said.logs !== logs || said.entries !== entries || !equalBytes(said.root, root))
    return false;
  const { state, size } = stateOf(packedOf(checkpoint));
  return said.size === size && equalBytes(said.state, state);
}

const sorted = (heads: Checkpoint['heads']): Checkpoint['heads'] =>
  [...heads].sort(([one], [other]) => (one < other ? -1 : 1));

const packedOf = ({ heads, fold }: Checkpoint): Uint8Array<ArrayBuffer> =>
  utf8(packPlain({ v: 1, heads: sorted(heads), fold }));

const headOf = (community: Community, { heads }: Checkpoint) =>
  ({
    type: 'ledger-checkpoint',
    v: 1,
    community: community.id,
    logs: heads.length,
    entries: heads.reduce((sum, [, , length]) => sum + length, 0),
    root: rootOfHeads(sorted(heads)),
  }) as const;

const stateOf = (packed: Uint8Array<ArrayBuffer>) => ({ state: sha256(packed), size: packed.length });

/**
 * The statement, once enough of the manifest's witnesses signed it. Codes of `openSigned`, `foreign_community`, `not_certified`. `least`:
 * how many have to; a quorum when absent.
 */
export async function openCertified(
  signed: Signed,
  community: Community,
  verify: Verify,
  least = quorumOf(certifiersOf(community).length),
): Promise<Result<LedgerCheckpoint>> {
  const opened = await openSigned(ledgerCheckpointSchema, signed, verify);
  if (!opened.ok) return opened;
  if (opened.value.community !== community.id)
    return fail('foreign_community', 'The checkpoint is of another community.');
  const certifiers = certifiersOf(community);
  const signers = signed.signatures.filter(({ keyId }) => certifiers.includes(keyId));
  if (certifiers.length === 0 || signers.length < least)
    return fail('not_certified', 'Too few witnesses of this community signed the checkpoint.');
  return opened;
}

/** What a statement that was opened is about. Only bytes whose hash was signed are read. Codes: `wrong_state`, `undecodable`. */
export function unpackCertified(statement: LedgerCheckpoint, packed: Uint8Array<ArrayBuffer>): Result<Checkpoint> {
  if (packed.length !== statement.size || !equalBytes(sha256(packed), statement.state))
    return fail('wrong_state', 'What came with the checkpoint is not what was signed.');
  const unpacked = unpackPlain(utf8Decode(packed));
  if (!unpacked.ok) return unpacked;
  const { v: version, heads, fold } = unpacked.value as { v: unknown; heads: unknown; fold: FoldSnapshot | undefined };
  const checked = checkAgainst(headsSchema, heads);
  if (!checked.ok) return checked;
  const sound =
    version === 1 &&
    fold?.v === SNAPSHOT_VERSION &&
    fold.community === statement.community &&
    checked.value.length === statement.logs &&
    equalBytes(rootOfHeads(checked.value), statement.root);
  return sound
    ? ok({ heads: checked.value, fold })
    : fail('wrong_state', 'What came with the checkpoint is not what was signed.');
}
