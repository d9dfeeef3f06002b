import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { Community } from '../identity/community';
import { openCertified, unpackCertified, type CertifiedCheckpoint } from './certified-checkpoint';
import { openEntry } from './chain';
import type { Checkpoint } from './checkpoints';
import { ledgerEventSchema } from './events';
import { createLedgerFold, type FoldSnapshot, type LedgerFold } from './fold';
import { MAX_LOGS_HELD, type Ledger } from './ledger';
import type { Base, Start } from './trusted-start';
import { verifiedBefore } from './verified-before';

/** What a ledger holds that is to go on from a checkpoint. */
export interface HeldBefore {
  readonly community: Community;
  readonly verify: Verify;
  /** Whose ledger it is. */
  readonly self: NodeId;
  readonly begunAlready: boolean;
  /** Entries of a log that are held. */
  readonly lengthOf: (author: NodeId) => number;
  readonly bytesOf: Ledger['bytesOf'];
  readonly bannedFrom: ReadonlyMap<NodeId, number>;
}

/** How a ledger goes on from a checkpoint. */
export interface PlannedBeginning {
  readonly start: Start;
  readonly heads: Checkpoint['heads'];
  /** Its state. */
  readonly fold: LedgerFold;
  /** Logs of which less is held than it covers. */
  readonly short: readonly Base[];
}

const DIFFERENT_PROOFS = fail('banned', 'The checkpoint and this node do not know of the same forgeries.');

/** Whether a ledger may go on from a checkpoint, and how. Changes nothing. Codes as of `Ledger.begin`. */
export async function planBeginning(
  { signed, packed }: CertifiedCheckpoint,
  { community, verify, self, begunAlready, lengthOf, bytesOf, bannedFrom }: HeldBefore,
): Promise<Result<PlannedBeginning>> {
  const statement = await openCertified(signed, community, verify);
  if (!statement.ok) return statement;
  if (begunAlready) return fail('begun_already', 'This ledger began with a checkpoint before.');
  if (statement.value.logs > MAX_LOGS_HELD)
    return fail('log_full', 'The checkpoint is about more logs than this node can hold.');
  const unpacked = unpackCertified(statement.value, packed);
  if (!unpacked.ok) return unpacked;
  const { heads, fold: snapshot } = unpacked.value;
  const short: Base[] = [];
  for (const [author, id, length] of heads) {
    const held = lengthOf(author);
    if (held < length && author === self)
      return fail('own_log', 'The checkpoint knows more of this node’s own log than this node.');
    if (held < length) {
      short.push([author, length, id]);
      continue;
    }
    const read = await bytesOf(author, length - 1, 1);
    if (!read.ok) return read;
    const entry = await openEntry(ledgerEventSchema, read.value[0]!, verifiedBefore);
    if (!entry.ok || entry.value.id !== id)
      return fail('log_forked', 'The checkpoint is about other entries than those held here.');
  }
  if (snapshot.banned.some(([author, seq]) => bannedFrom.get(author) !== seq)) return DIFFERENT_PROOFS;
  const fold = foldFrom(community, snapshot);
  if (fold === null) return fail('wrong_state', 'What the checkpoint says the logs come to cannot be read.');
  if ([...bannedFrom].some(([author, seq]) => !fold.ban(author, seq))) return DIFFERENT_PROOFS;
  return ok({ start: { signed, statement: statement.value }, heads, fold, short });
}

/** Witnesses signed it, but what many signed may still be no state. */
function foldFrom(community: Community, snapshot: FoldSnapshot): LedgerFold | null {
  try {
    return createLedgerFold(community, snapshot);
  } catch {
    return null;
  }
}
