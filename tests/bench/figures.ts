/** The middle of the values; of an even number the mean of the two in the middle. Throws on none: nothing was measured. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new Error('Nothing was measured.');
  return (lower + upper) / 2;
}

/** Rounded to a number of decimals, so that a report shows no more than was measured. */
export function rounded(value: number, decimals = 0): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

export const medianMs = (values: readonly number[]): number => rounded(median(values), 1);

/** Calls `run` for 0, 1, … up to `count`, several at once, the next as soon as one ends. Rejects with the first that fails. */
export async function severalAtOnce(
  count: number,
  atOnce: number,
  run: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** The smallest of the values that `percent` of a hundred do not pass. Throws on none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(Math.ceil((sorted.length * percent) / 100) - 1, 0)];
  if (found === undefined) throw new Error('Nothing was measured.');
  return found;
}
