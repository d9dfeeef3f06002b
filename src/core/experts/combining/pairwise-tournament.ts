/** What comparing two texts gave; both orders were asked, and disagreement between them is a tie. */
export interface Comparison {
  /** Places in the list of candidates, `a` below `b`. */
  readonly a: number;
  readonly b: number;
  readonly better: 'a' | 'b' | 'tie';
}

export interface Standing {
  /** Wins, ties as halves, by candidate. */
  readonly points: readonly number[];
  /** The winner once nothing that is left can change it, else null. */
  readonly winner: number | null;
  /** The pair to compare next, `null` when the winner is known. */
  readonly next: readonly [number, number] | null;
}

/** Candidates of one tournament: eight are 28 comparisons of two orders each, more than any answer is worth. */
export const MAX_CANDIDATES = 8;

/**
 * Everyone against everyone, so that one odd judgement does not throw a good text out; ends as soon as it is decided. Equal
 * points go to the winner of the comparison between the two, then to the earlier candidate. `count` is 1 to
 * `MAX_CANDIDATES`; comparisons of one pair after the first are not counted.
 */
export function standing(count: number, comparisons: readonly Comparison[]): Standing {
  const points = new Array<number>(count).fill(0);
  const left = new Array<number>(count).fill(count - 1);
  const results = new Map<string, Comparison['better']>();
  for (const { a, b, better } of comparisons) {
    if (!(a >= 0 && a < b && b < count) || results.has(`${a}-${b}`)) continue;
    results.set(`${a}-${b}`, better);
    points[a]! += better === 'a' ? 1 : better === 'tie' ? 0.5 : 0;
    points[b]! += better === 'b' ? 1 : better === 'tie' ? 0.5 : 0;
    left[a]! -= 1;
    left[b]! -= 1;
  }
  /** Whether `one` stands before `other` when both have equal points. */
  const before = (one: number, other: number): boolean => {
    const result = results.get(one < other ? `${one}-${other}` : `${other}-${one}`);
    if (result === undefined || result === 'tie') return one < other;
    return result === (one < other ? 'a' : 'b');
  };
  const ahead = (one: number, other: number): boolean =>
    points[one]! > points[other]! || (points[one] === points[other] && before(one, other));
  const leader = points.reduce(
    (best, _, candidate) => (candidate !== best && ahead(candidate, best) ? candidate : best),
    0,
  );

  const met = (one: number, other: number): boolean => results.has(one < other ? `${one}-${other}` : `${other}-${one}`);
  const open = points.map((_, candidate) => candidate).filter((candidate) => left[candidate]! > 0);
  /** Nobody can still come level with the leader, or whoever is level has nothing left and stands behind it. */
  const unbeatable = points.every(
    (_, rival) =>
      rival === leader ||
      points[rival]! + left[rival]! < points[leader]! ||
      (left[rival] === 0 && ahead(leader, rival)),
  );
  if (unbeatable) return { points, winner: leader, next: null };
  // Equals that beat each other in a circle.
  if (open.length === 0) return { points, winner: points.indexOf(Math.max(...points)), next: null };

  // The leader's own comparisons decide soonest; then those of whoever can still catch up most.
  const rank = (candidate: number): number => points[candidate]! + left[candidate]!;
  const [first] = left[leader]! > 0 ? [leader] : open.toSorted((x, y) => rank(y) - rank(x) || x - y);
  const [second] = open
    .filter((candidate) => candidate !== first && !met(candidate, first!))
    .toSorted((x, y) => rank(y) - rank(x) || x - y);
  return { points, winner: null, next: first! < second! ? [first!, second!] : [second!, first!] };
}
