import { expect, test } from 'vitest';
import { mergeAll } from './merge';

async function* counting(name: string, upTo: number, gates: readonly Promise<void>[] = []) {
  for (let n = 0; n < upTo; n++) {
    await gates[n];
    yield `${name}${n}`;
  }
  return `${name} done`;
}

async function all<T, R>(generator: AsyncGenerator<T, R>): Promise<{ items: T[]; result: R }> {
  const items: T[] = [];
  for (;;) {
    const step = await generator.next();
    if (step.done === true) return { items, result: step.value };
    items.push(step.value);
  }
}

test('everything comes, each in its own order, and the results in the order of the generators', async () => {
  const { items, result } = await all(mergeAll([counting('a', 3), counting('b', 2), counting('c', 0)]));
  expect([...items].sort()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1']);
  for (const name of ['a', 'b']) {
    const own = items.filter((item) => item.startsWith(name));
    expect(own).toEqual([...own].sort());
  }
  expect(result).toEqual(['a done', 'b done', 'c done']);
  expect((await all(mergeAll([]))).result).toEqual([]);
});

test('a slow one holds up nobody', async () => {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const merged = mergeAll([counting('slow', 1, [gate]), counting('fast', 2)]);
  expect((await merged.next()).value).toBe('fast0');
  expect((await merged.next()).value).toBe('fast1');
  open();
  expect((await merged.next()).value).toBe('slow0');
});

test('leaving early, or one that throws, ends the others', async () => {
  const ended: string[] = [];
  async function* endless(name: string): AsyncGenerator<string, string> {
    try {
      for (;;) yield name;
    } finally {
      ended.push(name);
    }
  }
  const left = mergeAll([endless('a'), endless('b')]);
  await left.next();
  await left.return([]);
  await Promise.resolve();
  expect(ended.sort()).toEqual(['a', 'b']);

  async function* failing(): AsyncGenerator<string, string> {
    throw new Error('broken');
  }
  ended.length = 0;
  await expect(all(mergeAll([failing(), endless('c')]))).rejects.toThrow('broken');
});
