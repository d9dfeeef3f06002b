import { expect, it } from 'vitest';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import type { LoadProgress } from '#core/engines/language-model';
import { createLoadOnce } from './load-once';

/** Loads that are let go on by hand. */
function world() {
  const loads: {
    id: string;
    tell: (progress: LoadProgress) => void;
    gone: () => void;
    end: (r: Result<object>) => void;
  }[] = [];
  const load = createLoadOnce<object>(
    (id, tell, gone) => new Promise((end) => void loads.push({ id, tell, gone, end })),
  );
  return { load, loads };
}

const at = (loadedBytes: number): LoadProgress => ({ loadedBytes, totalBytes: 9 });

it('whoever joins a load hears at once how far it is, and then everything', async () => {
  const { load, loads } = world();
  const [first, second]: [LoadProgress[], LoadProgress[]] = [[], []];
  const a = load('one', (progress) => first.push(progress));
  loads[0]!.tell(at(3));
  const b = load('one', (progress) => second.push(progress));
  loads[0]!.tell(at(6));
  loads[0]!.end(ok({}));
  expect(unwrap(await a)).toBe(unwrap(await b));
  loads[0]!.tell(at(9));
  expect([first, second]).toEqual([
    [at(3), at(6)],
    [at(3), at(6)],
  ]);
  expect(loads).toHaveLength(1);
});

it('a load that failed is tried anew, and so is a model that is gone', async () => {
  const { load, loads } = world();
  const failing = load('one');
  loads[0]!.end(fail('offline', 'No connection.'));
  expect((await failing).ok).toBe(false);
  const second = load('one');
  loads[1]!.end(ok({}));
  expect(unwrap(await second)).toBe(unwrap(await load('one')));
  loads[1]!.gone();
  const third = load('one');
  loads[2]!.end(ok({}));
  // The old one says again that it is gone: the new one stays.
  loads[1]!.gone();
  expect(unwrap(await third)).toBe(unwrap(await load('one')));
  expect(loads).toHaveLength(3);
});
