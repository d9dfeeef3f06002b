/** Shorter batches are mostly the way to the device and back, and browsers tell the time in steps of a tenth of a millisecond. */
const LEAST_BATCH_MS = 60;
const MOST_TIMES = 65_536;

/**
 * How often a second `run` does its work, at best: batches grow until they are long enough to be timed, and the fastest
 * of those tells. The first run is not counted, it compiles. At least one batch is timed, then until the budget is used.
 */
export async function fastestRate(run: (times: number) => void | Promise<void>, budgetMs: number): Promise<number> {
  await run(1);
  let times = 1;
  let best = 0;
  const startedAt = performance.now();
  for (;;) {
    const before = performance.now();
    await run(times);
    const now = performance.now();
    const long = now - before >= LEAST_BATCH_MS || times >= MOST_TIMES;
    const spent = now - startedAt >= budgetMs;
    if (long || (spent && best === 0)) best = Math.max(best, (times / Math.max(now - before, 0.1)) * 1_000);
    if (spent) return best;
    if (!long) times *= 2;
  }
}
