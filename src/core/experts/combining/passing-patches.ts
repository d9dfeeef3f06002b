import { byCodePoint } from '../../base/text';

/** A patch as several experts proposed it, with what its tests said. */
export interface PatchCandidate {
  /** Equal for patches that leave equal files. */
  readonly key: string;
  /** What validators found; null: not yet known. */
  readonly accepted: boolean | null;
  readonly changedLines: number;
}

/**
 * Code is chosen by its tests: among patches that were accepted, the result that most of them share, then the one that
 * changes fewer lines, then the smaller key, so that everyone chooses alike. Null when none was accepted.
 */
export function choosePatch(candidates: readonly PatchCandidate[]): number | null {
  const passing = candidates.flatMap((candidate, at) => (candidate.accepted === true ? [{ ...candidate, at }] : []));
  const votesFor = (key: string): number => passing.filter((one) => one.key === key).length;
  const [best] = passing.toSorted(
    (a, b) =>
      votesFor(b.key) - votesFor(a.key) || a.changedLines - b.changedLines || byCodePoint(a.key, b.key) || a.at - b.at,
  );
  return best?.at ?? null;
}

/** True when no result that is still open can change the choice: a majority of all candidates shares one accepted result. */
export function patchDecided(candidates: readonly PatchCandidate[], remaining: number): boolean {
  const open = remaining + candidates.filter(({ accepted }) => accepted === null).length;
  if (open === 0) return true;
  const votes = new Map<string, number>();
  for (const { key, accepted } of candidates) if (accepted === true) votes.set(key, (votes.get(key) ?? 0) + 1);
  const [most = 0, second = 0] = [...votes.values()].toSorted((a, b) => b - a);
  return most > second + open;
}
