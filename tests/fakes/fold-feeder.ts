import type { NodeId } from '#core/base/ids';
import type { Community } from '#core/identity/community';
import { createLedgerFold, type LedgerFold } from '#core/ledger/fold';
import type { OpenedEntry } from '#core/ledger/open-event';

/** Lets a fold take entries as they happen to arrive: what `openLedger` does with them, without storage and signatures. */
export interface FoldFeeder {
  readonly fold: LedgerFold;
  /** In any order, any number of times. Two entries for one place are proof of a fork, once both were given. */
  give(entry: OpenedEntry): void;
  /** That the author signed twice for `seq`. */
  ban(author: NodeId, seq: number): void;
  /** How often everything had to be folded anew. */
  readonly refolds: number;
  /** Goes on from its own snapshot, as after a restart. */
  restart(): void;
}

export function createFoldFeeder(community: Community): FoldFeeder {
  let fold = createLedgerFold(community);
  let refolds = 0;
  /** Everything that was given, by author and place. */
  const pool = new Map<string, Map<string, OpenedEntry>>();
  /** The history that this node holds of each author: the first one that came. */
  const held = new Map<NodeId, OpenedEntry[]>();
  const bans = new Map<NodeId, number>();
  const blocked = new Map<string, Set<NodeId>>();

  function advance(first: NodeId): void {
    const turn = [first];
    for (let author = turn.pop(); author !== undefined; author = turn.pop()) {
      const log = held.get(author) ?? [];
      for (let at = fold.lengthOf(author); at < log.length; at = fold.lengthOf(author)) {
        const entry = log[at]!;
        const added = fold.add(entry);
        if (added.status === 'waiting') {
          blocked.set(added.missing.id, (blocked.get(added.missing.id) ?? new Set()).add(author));
          break;
        }
        if (added.status === 'ignored') break;
        turn.push(...(blocked.get(entry.id) ?? []));
        blocked.delete(entry.id);
      }
    }
  }

  function ban(author: NodeId, seq: number): void {
    if ((bans.get(author) ?? Infinity) <= seq) return;
    bans.set(author, seq);
    if (!fold.ban(author, seq)) {
      refolds += 1;
      fold = createLedgerFold(community);
      for (const [one, from] of bans) fold.ban(one, from);
    }
    blocked.clear();
    for (const one of held.keys()) advance(one);
  }

  return {
    get fold() {
      return fold;
    },
    get refolds() {
      return refolds;
    },
    ban,
    give(entry) {
      const { author, seq, id } = entry;
      const place = `${author}/${seq}`;
      const there = pool.get(place) ?? new Map<string, OpenedEntry>();
      pool.set(place, there.set(id, entry));
      if (there.size > 1) ban(author, seq);
      const log = held.get(author) ?? [];
      held.set(author, log);
      const before = log.length;
      for (;;) {
        const next = [...(pool.get(`${author}/${log.length}`)?.values() ?? [])].find(
          ({ prev }) => prev === (log.at(-1)?.id ?? null),
        );
        if (next === undefined) break;
        log.push(next);
      }
      if (log.length > before) advance(author);
    },
    restart() {
      fold = createLedgerFold(community, fold.snapshot());
    },
  };
}
