import type { Draws } from '#tests/simulation/checking/answers';

/** The items in another order, the same for the same draws (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], draws: Draws): T[] {
  const left = [...items];
  for (let at = left.length - 1; at > 0; at--) {
    const other = draws.below(at + 1);
    [left[at], left[other]] = [left[other]!, left[at]!];
  }
  return left;
}
