/** Two-sided 95 % interval for a share, exact (Clopper and Pearson, Biometrika 26, 1934). */
export function clopperPearson(hits: number, of: number): readonly [low: number, high: number] {
  const tail = 0.025;
  const low = hits === 0 ? 0 : solve((share) => 1 - atMost(hits - 1, of, share) < tail);
  const high = hits === of ? 1 : solve((share) => atMost(hits, of, share) > tail);
  return [low, high];
}

/** The share up to which something holds that holds for 0 and not for 1. */
function solve(holds: (share: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The probability of at most so many hits. */
function atMost(hits: number, of: number, share: number): number {
  let logTerm = of * Math.log1p(-share);
  let sum = Math.exp(logTerm);
  for (let hit = 1; hit <= hits; hit++) {
    logTerm += Math.log((of - hit + 1) / hit) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}
