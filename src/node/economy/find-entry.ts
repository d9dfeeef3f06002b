import type { NodeId } from '#core/base/ids';
import type { Ledger, LedgerEntry } from '#core/ledger/ledger';

/** Entries read at a time on the way back through a log. */
const READ_BATCH = 200;
/** What still waits for something was written lately: further back than this it is not looked for. */
const MOST_SEARCHED = 4_000;

/** The entry of `author` with this id, looked for from the end of its log; null where it is not found. */
export async function findEntry(ledger: Ledger, author: NodeId, id: string): Promise<LedgerEntry | null> {
  const length = ledger.heads().find((head) => head.author === author)?.length ?? 0;
  // What comes before may be missing, and is read by itself.
  const held = ledger.heldFrom(author);
  for (let end = length; end > 0 && length - end < MOST_SEARCHED;) {
    const from = Math.max(0, end - READ_BATCH, end > held ? held : 0);
    const batch = await ledger.entriesOf(author, from, end - from);
    if (!batch.ok) return null;
    const found = batch.value.find((entry) => entry.id === id);
    if (found !== undefined) return found;
    end = from;
  }
  return null;
}
