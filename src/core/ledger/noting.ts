/** A collection that notes what was put into it, so that whoever keeps a copy need not look at everything to learn what is new. */
export interface Noting<Item> extends Iterable<Item> {
  /** What was put in since the last call, each once, as it stands now; at the first call everything. */
  takeNoted(): Item[];
}

export type NotingMap<Value> = Map<string, Value> & Noting<[string, Value]>;
export type NotingSet = Set<string> & Noting<string>;

/** Nothing is ever taken out of it. */
export function notingMap<Value>(): NotingMap<Value> {
  const map = new Map<string, Value>();
  const put = map.set.bind(map);
  /** Null before the first call: all of it is new. */
  let noted: Set<string> | null = null;
  return Object.assign(map, {
    set(key: string, value: Value) {
      noted?.add(key);
      put(key, value);
      return map;
    },
    takeNoted() {
      const items = noted === null ? [...map] : [...noted].map((key): [string, Value] => [key, map.get(key)!]);
      noted = new Set();
      return items;
    },
  });
}

/** The same; `items` are none that were put in. */
export function notingSet(items: Iterable<string> = []): NotingSet {
  const set = new Set(items);
  const put = set.add.bind(set);
  let noted: string[] = [];
  return Object.assign(set, {
    add(item: string) {
      if (!set.has(item)) noted.push(item);
      put(item);
      return set;
    },
    takeNoted() {
      const taken = noted;
      noted = [];
      return taken;
    },
  });
}
