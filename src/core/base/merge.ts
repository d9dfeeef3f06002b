/**
 * Runs generators side by side and yields what each yields as it comes; resolves to what they returned, in the order of the
 * generators. Leaving early ends all of them; what one throws is thrown here after the others were ended.
 */
export async function* mergeAll<T, R>(generators: readonly AsyncGenerator<T, R>[]): AsyncGenerator<T, readonly R[]> {
  const results = new Array<R>(generators.length);
  const next = (at: number) => generators[at]!.next().then((step) => ({ at, step }));
  const pending = new Map(generators.map((_, at) => [at, next(at)]));
  try {
    while (pending.size > 0) {
      const { at, step } = await Promise.race(pending.values());
      if (step.done === true) {
        results[at] = step.value;
        pending.delete(at);
        continue;
      }
      pending.set(at, next(at));
      yield step.value;
    }
    return results;
  } finally {
    // Whoever is in the middle of something is told, and not waited for.
    for (const at of pending.keys()) void generators[at]!.return(undefined as never).catch(() => undefined);
  }
}
