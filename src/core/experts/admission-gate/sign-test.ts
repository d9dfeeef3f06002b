/** One chance in twenty, one-sided: what the gates call sure. */
export const SURE = 0.05;

/** The probability of `k` heads or more in `n` throws of a fair coin, exact up to rounding; `n` at most 1,000. */
export function chanceOfAtLeast(k: number, n: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  let term = 0.5 ** n;
  let sum = term;
  // From n heads downwards: C(n, i − 1) = C(n, i) · i / (n − i + 1).
  for (let heads = n; heads > k; heads--) {
    term *= heads / (n - heads + 1);
    sum += term;
  }
  return Math.min(1, sum);
}
