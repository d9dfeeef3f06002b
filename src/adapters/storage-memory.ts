import { fail, ok, type Failure, type Result } from '#core/base/result';
import type { EventLogStore, NodeStorage, StoredEntry } from '#core/storage/ports';

/**
 * Storage that lives as long as the object that opened it: for tests, simulations, and tabs that may keep nothing.
 * Every `open` of one memory sees the same data, as two connections to one database would.
 */
export interface Memory {
  open(): NodeStorage;
}

type Entries = Uint8Array<ArrayBuffer>[];

export function createMemory(): Memory {
  const values = new Map<string, unknown>();
  const entries: Entries = [];
  const entriesByName = new Map<string, Entries>();

  return {
    open() {
      let closed = false;
      const whenOpen = async <T>(run: () => Result<T>): Promise<Result<T>> => (closed ? unavailable() : run());
      const write = (key: string, value: unknown): Result<void> => {
        try {
          values.set(key, structuredClone(value));
          return ok(undefined);
        } catch {
          return fail('not_storable', 'This value cannot be stored.');
        }
      };
      const logOf = (find: () => Entries, make: () => Entries): EventLogStore => {
        const appendAll: EventLogStore['appendAll'] = (position, added) => {
          const copies = added.map((bytes) => Uint8Array.from(bytes));
          return whenOpen(() => {
            if (position !== find().length) return conflict();
            if (copies.length > 0) make().push(...copies);
            return ok(undefined);
          });
        };
        return {
          append: (position, bytes) => appendAll(position, [bytes]),
          appendAll,
          length: () => whenOpen(() => ok(find().length)),
          read: (from, limit) =>
            whenOpen(() => {
              const found: StoredEntry[] = find()
                .slice(from, from + limit)
                .map((bytes, index) => ({ position: from + index, bytes: Uint8Array.from(bytes) }));
              return ok(found);
            }),
        };
      };
      return {
        records: {
          get: <T>(key: string) => whenOpen(() => ok(structuredClone(values.get(key)) as T | undefined)),
          set: (key, value) => whenOpen(() => write(key, value)),
          setIfAbsent: (key, value) =>
            whenOpen<boolean>(() => {
              if (values.has(key)) return ok(false);
              const written = write(key, value);
              return written.ok ? ok(true) : written;
            }),
          delete: (key) =>
            whenOpen(() => {
              values.delete(key);
              return ok(undefined);
            }),
          keys: (prefix) => whenOpen(() => ok([...values.keys()].filter((key) => key.startsWith(prefix)).sort())),
        },
        log: logOf(
          () => entries,
          () => entries,
        ),
        logNamed: (name) =>
          logOf(
            () => entriesByName.get(name) ?? [],
            () => {
              const found = entriesByName.get(name) ?? [];
              entriesByName.set(name, found);
              return found;
            },
          ),
        logNames: (prefix) =>
          whenOpen(() => ok([...entriesByName.keys()].filter((name) => name.startsWith(prefix)).sort())),
        close() {
          closed = true;
        },
        async destroy() {
          closed = true;
          values.clear();
          entries.length = 0;
          entriesByName.clear();
          return ok(undefined);
        },
      };
    },
  };
}

/** One storage in memory of its own. */
export const openMemoryStorage = async (): Promise<NodeStorage> => createMemory().open();

const unavailable = (): { ok: false; error: Failure } => fail('storage_unavailable', 'The storage is closed.');
const conflict = () => fail('log_conflict', 'Another writer appended to the log first.');
