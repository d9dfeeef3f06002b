import { missOf, CAUTIOUS_LIMITS, type MarginScore } from '#core/experts/validators/margin-test';
import type { Draws } from './answers';

/**
 * The published test, to compare with: 64 positions by chance, the last one among them; at most 1 gross miss accepts, 6
 * reject, anything between looks at 192 in all, where 7 reject.
 */
export function judgeByGrossCount(
  scores: readonly MarginScore[],
  draws: Draws,
): { readonly rejected: boolean; readonly looked: number } {
  const order = Array.from({ length: scores.length - 1 }, (_, position) => position);
  for (let at = 0; at < Math.min(191, order.length); at++) {
    const other = at + draws.below(order.length - at);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  order.unshift(scores.length - 1);
  const grossAmong = (count: number): number =>
    order.slice(0, count).filter((position) => {
      const miss = missOf(scores[position]!, CAUTIOUS_LIMITS);
      return miss === 'gross' || miss === 'enormous';
    }).length;
  const first = grossAmong(64);
  if (first <= 1 || first >= 6) return { rejected: first >= 6, looked: Math.min(64, order.length) };
  return { rejected: grossAmong(192) >= 7, looked: Math.min(192, order.length) };
}
