import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLeast } from './least';

test('what is kept is the least of everything that was added, in whatever order it came', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 8 }), (items, most) => {
      const least = createLeast<number>(most, (a, b) => a - b);
      for (const item of items) least.add(item);
      const ascending = [...items].sort((a, b) => a - b);
      expect(least.items()).toEqual(ascending.slice(0, most));
      expect(least.leftOut()).toBe(Math.max(0, items.length - most));
    }),
  );
});
