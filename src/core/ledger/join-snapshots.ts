import { SNAPSHOT_VERSION, verificationKey, type FoldSnapshot } from './fold';

/**
 * A snapshot and the changes that were taken after it, oldest first, as one: the snapshot that the fold would have given when the
 * last of them was taken. Whether they follow each other is for whoever kept them to know.
 */
export function joinSnapshots(first: FoldSnapshot, changes: readonly FoldSnapshot[]): FoldSnapshot {
  const last = changes.at(-1);
  if (last === undefined) return first;
  const parts = [first, ...changes];
  /** Of everything with one key the latest, in the order of keys. */
  const latest = <Item>(of: (part: FoldSnapshot) => readonly Item[], keyOf: (item: Item) => string): Item[] => {
    const byKey = new Map<string, Item>();
    for (const part of parts) for (const item of of(part)) byKey.set(keyOf(item), item);
    return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  };
  const byId = ({ id }: { readonly id: string }): string => id;
  return {
    v: SNAPSHOT_VERSION,
    community: last.community,
    chains: joinChains(parts),
    placed: latest(
      ({ placed }) => placed,
      ([id]) => id,
    ),
    banned: last.banned,
    offers: latest(({ offers }) => offers, byId),
    rosters: latest(({ rosters }) => rosters, byId),
    grants: latest(({ grants }) => grants, byId),
    reservations: latest(({ reservations }) => reservations, byId),
    proposals: latest(({ proposals }) => proposals, byId),
    closings: latest(
      ({ closings }) => closings,
      ({ reservation }) => reservation,
    ),
    mints: latest(
      ({ mints }) => mints,
      ({ key }) => key,
    ),
    challenges: latest(({ challenges }) => challenges, byId),
    rulings: latest(
      ({ rulings }) => rulings,
      ([challenge]) => challenge,
    ),
    verifications: latest(({ verifications }) => verifications, verificationKey),
    refusals: latest(
      ({ refusals }) => refusals,
      ({ entry }) => entry,
    ),
    here: last.here,
    receipts: latest(({ receipts }) => receipts, byId),
    maxLamport: last.maxLamport,
  };
}

type ChainSnapshot = FoldSnapshot['chains'][number];

/** The latest of each; what a chain only adds to is added. */
function joinChains(parts: readonly FoldSnapshot[]): ChainSnapshot[] {
  const byAuthor = new Map<string, { latest: ChainSnapshot; readonly keys: string[]; readonly claimed: string[] }>();
  for (const part of parts)
    for (const chain of part.chains) {
      const [author, , , keys, claimed] = chain;
      const known = byAuthor.get(author);
      if (known === undefined) byAuthor.set(author, { latest: chain, keys: [...keys], claimed: [...claimed] });
      else {
        known.latest = chain;
        known.keys.push(...keys);
        known.claimed.push(...claimed);
      }
    }
  return [...byAuthor.values()]
    .sort((a, b) => (a.latest[0] < b.latest[0] ? -1 : 1))
    .map(({ latest: [author, length, account, , , epoch, roots, looks], keys, claimed }) => [
      author,
      length,
      account,
      keys.sort(),
      claimed.sort(),
      epoch,
      roots,
      looks,
    ]);
}
