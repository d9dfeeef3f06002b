/**
 * How much of the probability of all labels falls to the best one, above 0 to 1: how sure a model was. `scoresMilli` are
 * natural logarithms in thousandths; without them (the label was read from a text) nothing is known, and it is 0.
 */
export function bestShare(scoresMilli: readonly number[] | null): number {
  if (scoresMilli === null || scoresMilli.length === 0) return 0;
  const best = Math.max(...scoresMilli);
  return 1 / scoresMilli.reduce((sum, score) => sum + Math.exp((score - best) / 1_000), 0);
}
