/** Counts by name. The number of names is bounded by the code that counts, never by what arrives. */
export interface Counters {
  add(name: string): void;
  get(name: string): number;
  all(): Readonly<Record<string, number>>;
}

export function createCounters(): Counters {
  const counts = new Map<string, number>();
  return {
    add: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    get: (name) => counts.get(name) ?? 0,
    all: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
