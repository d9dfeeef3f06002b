import type { Result } from '#core/base/result';
import type { NodeStorage } from '#core/storage/ports';

/** A rule of the storage port. `open` opens the same, at first empty storage again; cases run in any test framework. */
export interface StorageCase {
  readonly name: string;
  run(open: () => Promise<NodeStorage>): Promise<void>;
}

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

export const storageCases: readonly StorageCase[] = [
  {
    name: 'a record that was never set is undefined, and one that was deleted again',
    async run(open) {
      const { records } = await open();
      same(value(await records.get('a')), undefined);
      value(await records.set('a', 1));
      value(await records.delete('a'));
      value(await records.delete('a'));
      same(value(await records.get('a')), undefined);
    },
  },
  {
    name: 'plain data comes back as it was, also after closing and opening',
    async run(open) {
      const first = await open();
      const data = {
        text: 'ü🌱',
        list: [1, 2.5, null, true],
        at: new Date(5),
        deep: { bytes: bytes(0, 255) },
        none: undefined,
      };
      value(await first.records.set('data', data));
      data.list.push(9);
      first.close();
      const second = await open();
      const back = value(await second.records.get<typeof data>('data'));
      same(back?.text, 'ü🌱');
      same(back?.list, [1, 2.5, null, true]);
      same(back?.at.getTime(), 5);
      same([...(back?.deep.bytes ?? [])], [0, 255]);
    },
  },
  {
    name: 'keys come with their prefix in ascending order, whatever characters they hold',
    async run(open) {
      const { records } = await open();
      for (const key of ['b/2', 'a', 'b/10', 'b', 'c', 'b/ü', 'b/..', `b/${'x'.repeat(300)}`])
        value(await records.set(key, key));
      same(value(await records.keys('b/')), ['b/..', 'b/10', 'b/2', `b/${'x'.repeat(300)}`, 'b/ü']);
      same(value(await records.keys('')).length, 8);
      same(value(await records.keys('z')), []);
    },
  },
  {
    name: 'of several writers exactly one sets an absent record, and a set one stays',
    async run(open) {
      const [one, two] = [await open(), await open()];
      const won = await Promise.all(
        [1, 2, 3, 4].map((n) =>
          (n % 2 ? one : two).records.setIfAbsent('key', n).then((result) => [n, value(result)] as const),
        ),
      );
      const winners = won.filter(([, wrote]) => wrote).map(([n]) => n);
      same(winners.length, 1);
      same(value(await one.records.get('key')), winners[0]);
      same(value(await two.records.setIfAbsent('key', 9)), false);
      same(value(await two.records.get('key')), winners[0]);
    },
  },
  {
    name: 'a value that cannot be stored is refused and changes nothing',
    async run(open) {
      const { records } = await open();
      value(await records.set('key', 'before'));
      failed(await records.set('key', { run: () => 1 }), 'not_storable');
      same(value(await records.get('key')), 'before');
    },
  },
  {
    name: 'later sets win, also when they are not awaited one by one',
    async run(open) {
      const { records } = await open();
      await Promise.all([1, 2, 3, 4, 5].map((n) => records.set('key', n)));
      same(value(await records.get('key')), 5);
    },
  },
  {
    name: 'entries come back in order with their exact bytes, also after closing and opening',
    async run(open) {
      const first = await open();
      same(value(await first.log.length()), 0);
      for (let n = 0; n < 5; n++) value(await first.log.append(n, bytes(n, 255 - n)));
      value(await first.log.append(5, bytes()));
      first.close();
      const { log } = await open();
      same(value(await log.length()), 6);
      const all = value(await log.read(0, 100));
      same(
        all.map(({ position }) => position),
        [0, 1, 2, 3, 4, 5],
      );
      same(
        all.map((entry) => [...entry.bytes]),
        [[0, 255], [1, 254], [2, 253], [3, 252], [4, 251], []],
      );
      same(
        value(await log.read(2, 2)).map(({ position }) => position),
        [2, 3],
      );
      same(value(await log.read(6, 5)), []);
      same(value(await log.read(0, 0)), []);
    },
  },
  {
    name: 'an entry takes exactly the next position; any other is a conflict that changes nothing',
    async run(open) {
      const { log } = await open();
      value(await log.append(0, bytes(1)));
      for (const wrong of [0, 2, 7]) failed(await log.append(wrong, bytes(9)), 'log_conflict');
      same(value(await log.length()), 1);
      same([...value(await log.read(0, 1))[0]!.bytes], [1]);
      value(await log.append(1, bytes(2)));
    },
  },
  {
    name: 'appends issued together are all kept, in order; a wrong one among them fails alone',
    async run(open) {
      const { log } = await open();
      const results = await Promise.all([0, 1, 2, 2, 3, 9, 4].map((position, n) => log.append(position, bytes(n))));
      same(
        results.map((result) => (result.ok ? 'ok' : result.error.code)),
        ['ok', 'ok', 'ok', 'log_conflict', 'ok', 'log_conflict', 'ok'],
      );
      same(
        value(await log.read(0, 10)).map((entry) => entry.bytes[0]),
        [0, 1, 2, 4, 6],
      );
      const many = await Promise.all(Array.from({ length: 600 }, (_, n) => log.append(5 + n, bytes(n & 255))));
      same(
        many.every((result) => result.ok),
        true,
      );
      same(value(await log.length()), 605);
    },
  },
  {
    name: 'of two writers at one position exactly one succeeds, and both read the same',
    async run(open) {
      const [one, two] = [await open(), await open()];
      for (let round = 0; round < 10; round++) {
        const results = await Promise.all([
          one.log.append(round, bytes(1, round)),
          two.log.append(round, bytes(2, round)),
        ]);
        same(results.filter((result) => result.ok).length, 1);
        const winner = results[0]!.ok ? 1 : 2;
        same(value(await one.log.read(round, 1))[0]!.bytes[0], winner);
        same(value(await two.log.read(round, 1))[0]!.bytes[0], winner);
      }
    },
  },
  {
    name: 'what is handed in or out is a copy',
    async run(open) {
      const { log } = await open();
      const entry = bytes(1);
      const appended = log.append(0, entry);
      entry[0] = 9;
      value(await appended);
      const read = value(await log.read(0, 1))[0]!;
      same(read.bytes[0], 1);
      read.bytes[0] = 9;
      same(value(await log.read(0, 1))[0]!.bytes[0], 1);
    },
  },
  {
    name: 'named logs are apart from each other and from the one without a name',
    async run(open) {
      const first = await open();
      const [a, b] = [first.logNamed('room/a'), first.logNamed('room/b')];
      value(await first.log.append(0, bytes(9)));
      value(await a.append(0, bytes(1)));
      value(await a.append(1, bytes(2)));
      value(await b.append(0, bytes(3)));
      same(value(await first.logNamed('room/c').length()), 0);
      same(value(await first.logNames('room/')), ['room/a', 'room/b']);
      same(value(await first.logNames('room/b')), ['room/b']);
      same(value(await first.logNames('other')), []);
      first.close();
      const second = await open();
      same(
        value(await second.logNamed('room/a').read(0, 9)).map((entry) => entry.bytes[0]),
        [1, 2],
      );
      same(value(await second.logNamed('room/b').length()), 1);
      same(value(await second.log.length()), 1);
      failed(await second.logNamed('room/b').append(0, bytes(4)), 'log_conflict');
    },
  },
  {
    name: 'several entries are appended in order, behind what stands there, or not at all',
    async run(open) {
      const log = (await open()).logNamed('many');
      value(await log.appendAll(0, [bytes(1), bytes(2), bytes(3)]));
      failed(await log.appendAll(2, [bytes(9), bytes(9)]), 'log_conflict');
      value(await log.appendAll(3, []));
      const results = await Promise.all([
        log.appendAll(3, [bytes(4), bytes(5)]),
        log.append(5, bytes(6)),
        log.appendAll(5, [bytes(9)]),
        log.appendAll(6, [bytes(7)]),
      ]);
      same(
        results.map((result) => (result.ok ? 'ok' : result.error.code)),
        ['ok', 'ok', 'log_conflict', 'ok'],
      );
      same(
        value(await log.read(0, 99)).map((entry) => entry.bytes[0]),
        [1, 2, 3, 4, 5, 6, 7],
      );
    },
  },
  {
    name: 'a name of any characters names a log of its own',
    async run(open) {
      const storage = await open();
      const names = ['a', 'A', 'ä/..', `b${'x'.repeat(120)}`, ' '];
      for (const [n, name] of names.entries()) value(await storage.logNamed(name).append(0, bytes(n)));
      for (const [n, name] of names.entries())
        same(
          value(await storage.logNamed(name).read(0, 2)).map((entry) => entry.bytes[0]),
          [n],
        );
      same(value(await storage.logNames('')), [...names].sort());
    },
  },
  {
    name: 'after close everything fails as unavailable',
    async run(open) {
      const storage = await open();
      storage.close();
      storage.close();
      failed(await storage.records.get('a'), 'storage_unavailable');
      failed(await storage.records.set('a', 1), 'storage_unavailable');
      failed(await storage.log.append(0, bytes(1)), 'storage_unavailable');
      failed(await storage.log.length(), 'storage_unavailable');
      failed(await storage.logNamed('a').append(0, bytes(1)), 'storage_unavailable');
      failed(await storage.logNames(''), 'storage_unavailable');
    },
  },
  {
    name: 'destroying leaves nothing behind',
    async run(open) {
      const first = await open();
      value(await first.records.set('a', 1));
      value(await first.log.append(0, bytes(1)));
      value(await first.logNamed('a').append(0, bytes(1)));
      value(await first.destroy());
      failed(await first.records.get('a'), 'storage_unavailable');
      const second = await open();
      same(value(await second.records.keys('')), []);
      same(value(await second.log.length()), 0);
      same(value(await second.logNames('')), []);
    },
  },
];

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`expected success, got ${result.error.code}: ${result.error.message}`);
  return result.value;
}

function failed(result: Result<unknown>, code: string): void {
  if (result.ok) throw new Error(`expected ${code}, got success`);
  if (result.error.code !== code) throw new Error(`expected ${code}, got ${result.error.code}`);
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}
