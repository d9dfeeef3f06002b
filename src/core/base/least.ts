export interface Least<Item> {
  add(item: Item): void;
  /** Ascending. */
  items(): readonly Item[];
  /** How many were added for which there was no room. */
  leftOut(): number;
}

/** The `most` least items of all that were added, whatever their order: sorted when twice as many have come, so that each costs little. */
export function createLeast<Item>(most: number, compare: (a: Item, b: Item) => number): Least<Item> {
  const held: Item[] = [];
  let added = 0;
  function cut(): void {
    held.sort(compare);
    held.length = Math.min(held.length, most);
  }
  return {
    add(item: Item): void {
      added += 1;
      held.push(item);
      if (held.length >= 2 * most) cut();
    },
    items(): readonly Item[] {
      cut();
      return [...held];
    },
    leftOut: () => Math.max(0, added - most),
  };
}
