import { deleteDB, openDB, type IDBPDatabase, type IDBPObjectStore } from 'idb';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import type { EventLogStore, KeyValueStore, NodeStorage, StoredEntry } from '#core/storage/ports';

export const DATABASE_NAME = 'tabmesh';
const RECORDS = 'records';
const LOG = 'log';
const LOGS = 'logs';
/**
 * Every transaction that writes is over all stores, so that there is never more than one. Where two of one database are unfinished when
 * the browser is killed, Chromium finds at the next start that both hold the database, takes that for damage, and throws away everything
 * of this origin (decision 0031).
 */
const ALL_STORES = [RECORDS, LOG, LOGS] as const;
/** Appends that share one transaction at most: enough to hide the cost of a strict commit, small enough to stay quick. */
const MAX_GROUP = 256;

type Migration = (database: IDBPDatabase) => void;

/** Entry N brings schema version N to N + 1. Entries are only ever added: every store since version 1 must still open. */
const MIGRATIONS: readonly Migration[] = [
  (database) => {
    database.createObjectStore(RECORDS);
    // Keys are positions from 0, handed in: the log has no other index.
    database.createObjectStore(LOG);
  },
  (database) => {
    // Keys are pairs of a log's name and a position from 0.
    database.createObjectStore(LOGS);
  },
];

/** Behind the name of the store: a database that lives for a moment. */
const SCRATCH = '-scratch';

export interface IdbOptions {
  readonly name?: string;
  /** Called once when another tab upgraded or deleted the store and this connection had to close. */
  readonly onLost?: (reason: Failure) => void;
}

/**
 * Storage in IndexedDB, one database per profile. Every write is strict (flushed to the disk before it counts) and done
 * only when its transaction is: a full disk shows at the commit, not at the request. Appends that are issued while one
 * is under way share the next transaction; each resolves after its own commit. CryptoKey values are kept where the
 * browser can. Codes of `open`: `storage_unavailable`, `storage_outdated` (this page is older than the store).
 */
export async function openIdbStorage({ name = DATABASE_NAME, onLost }: IdbOptions = {}): Promise<Result<NodeStorage>> {
  let lost: Failure | null = null;
  let closed = false;
  const lose = (reason: Failure): void => {
    if (lost !== null || closed) return;
    lost = reason;
    onLost?.(reason);
  };

  const opened = await openDatabase(name, lose);
  if (!opened.ok) return opened;
  const database = opened.value;
  const renewed = renewWriteLogOnce(name);

  const close = (): void => {
    closed = true;
    database.close();
  };

  const attempt = async <T>(run: () => Promise<T>): Promise<Result<T>> => {
    if (lost !== null) return { ok: false, error: lost };
    if (closed) return { ok: false, error: CLOSED };
    try {
      return ok(await run());
    } catch (error) {
      return { ok: false, error: lost ?? failureOf(error) };
    }
  };

  const write = <T>(run: (store: RecordsStore) => Promise<T>): Promise<Result<T>> =>
    attempt(async () => {
      const transaction = database.transaction(ALL_STORES, 'readwrite', { durability: 'strict' });
      const done = transaction.done;
      // The commit decides; without this a request that fails first would leave a rejection that nobody hears.
      done.catch(() => {});
      try {
        const value = await run(transaction.objectStore(RECORDS));
        await done;
        return value;
      } catch (error) {
        abort(transaction);
        throw transaction.error ?? error;
      }
    });

  const records: KeyValueStore = {
    get: <T>(key: string) => attempt(async () => (await database.get(RECORDS, key)) as T | undefined),
    set: (key, value) =>
      write(async (store) => {
        await store.put(value, key);
      }),
    setIfAbsent: (key, value) =>
      write(async (store) => {
        if ((await store.getKey(key)) !== undefined) return false;
        await store.put(value, key);
        return true;
      }),
    delete: (key) => write((store) => store.delete(key)),
    keys: (prefix) =>
      attempt(async () => {
        const keys = await database.getAllKeys(RECORDS, IDBKeyRange.lowerBound(prefix));
        return keys.filter((key): key is string => typeof key === 'string' && key.startsWith(prefix));
      }),
  };

  const namedLogs = new Map<string, EventLogStore>();
  return ok({
    records,
    log: createLog(database, attempt, ONLY_LOG),
    logNamed(name) {
      const known = namedLogs.get(name) ?? createLog(database, attempt, placeOf(name));
      namedLogs.set(name, known);
      return known;
    },
    logNames: (prefix) =>
      attempt(async () => {
        const names: string[] = [];
        // One step per log: from each name to the first key behind all of its positions.
        let cursor = await database.transaction(LOGS).store.openKeyCursor(IDBKeyRange.lowerBound([prefix]));
        while (cursor !== null) {
          const [name] = cursor.key as [string, number];
          if (!name.startsWith(prefix)) break;
          names.push(name);
          cursor = await cursor.continue([name, []]);
        }
        return names;
      }),
    close,
    async destroy() {
      // It waits for every transaction of this connection: one that still ends would look like another tab that holds the storage.
      await attempt(() => database.transaction(ALL_STORES, 'readwrite').done);
      close();
      await renewed;
      return deleteDatabase(name);
    },
  });
}

type RecordsStore = IDBPObjectStore<unknown, typeof ALL_STORES, typeof RECORDS, 'readwrite'>;

/** Where the entries of one log lie. */
interface LogPlace {
  readonly store: typeof LOG | typeof LOGS;
  key(position: number): IDBValidKey;
  positionOf(key: IDBValidKey): number;
  /** All its keys from a position on. */
  from(position: number): IDBKeyRange;
}

const ONLY_LOG: LogPlace = {
  store: LOG,
  key: (position) => position,
  positionOf: Number,
  from: (position) => IDBKeyRange.lowerBound(position),
};

const placeOf = (name: string): LogPlace => ({
  store: LOGS,
  key: (position) => [name, position],
  positionOf: (key) => Number((key as [string, number])[1]),
  // In the order of keys an array comes after every number.
  from: (position) => IDBKeyRange.bound([name, position], [name, []]),
});

interface Waiting {
  readonly position: number;
  readonly entries: readonly Uint8Array<ArrayBuffer>[];
  readonly settle: (result: Result<void>) => void;
}

function createLog(
  database: IDBPDatabase,
  attempt: <T>(run: () => Promise<T>) => Promise<Result<T>>,
  place: LogPlace,
): EventLogStore {
  const waiting: Waiting[] = [];
  let writing = false;

  const flush = async (): Promise<void> => {
    writing = true;
    // One turn later, so that appends issued together travel together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting.splice(0, MAX_GROUP);
      const results = await attempt(() => commit(database, place, group));
      group.forEach(({ settle }, index) => settle(results.ok ? results.value[index]! : results));
    }
    writing = false;
  };

  const appendAll: EventLogStore['appendAll'] = (position, entries) =>
    new Promise((settle) => {
      waiting.push({ position, entries: entries.map((bytes) => Uint8Array.from(bytes)), settle });
      if (!writing) void flush();
    });

  return {
    append: (position, bytes) => appendAll(position, [bytes]),
    appendAll,
    length: () =>
      attempt(async () => {
        const cursor = await database.transaction(place.store).store.openKeyCursor(place.from(0), 'prev');
        return cursor === null ? 0 : place.positionOf(cursor.key) + 1;
      }),
    read: (from, limit) =>
      attempt(async () => {
        if (limit <= 0) return [];
        const range = place.from(from);
        const transaction = database.transaction(place.store);
        const [keys, values] = await Promise.all([
          transaction.store.getAllKeys(range, limit),
          transaction.store.getAll(range, limit),
        ]);
        return keys.map((key, index): StoredEntry => ({
          position: place.positionOf(key),
          bytes: values[index] as Uint8Array<ArrayBuffer>,
        }));
      }),
  };
}

/** Writes what fits in order; what does not stand at the next position is a conflict for that append alone. */
async function commit(
  database: IDBPDatabase,
  place: LogPlace,
  group: readonly Waiting[],
): Promise<readonly Result<void>[]> {
  const transaction = database.transaction(ALL_STORES, 'readwrite', { durability: 'strict' });
  const store = transaction.objectStore(place.store);
  transaction.done.catch(() => {});
  try {
    const last = await store.openKeyCursor(place.from(0), 'prev');
    let length = last === null ? 0 : place.positionOf(last.key) + 1;
    const results: Result<void>[] = [];
    const puts: Promise<unknown>[] = [];
    for (const { position, entries } of group) {
      if (position !== length) {
        results.push(fail('log_conflict', 'Another writer appended to the log first.'));
        continue;
      }
      for (const bytes of entries) puts.push(store.add(bytes, place.key(length++)));
      results.push(ok(undefined));
    }
    await Promise.all(puts);
    await transaction.done;
    return results;
  } catch (error) {
    abort(transaction);
    throw transaction.error ?? error;
  }
}

function openDatabase(name: string, lose: (reason: Failure) => void): Promise<Result<IDBPDatabase>> {
  return new Promise((resolve) => {
    let blocked = false;
    openDB(name, MIGRATIONS.length, {
      upgrade(database, oldVersion) {
        for (const migrate of MIGRATIONS.slice(oldVersion)) migrate(database);
      },
      blocked() {
        // Our own pages close at once when asked, so this one is frozen or very old: waiting could take forever.
        blocked = true;
        resolve({ ok: false, error: BLOCKED });
      },
      blocking(_current, wanted, event) {
        (event.target as IDBDatabase).close();
        lose(wanted === null ? DELETED : OUTDATED);
      },
      terminated() {
        lose(TERMINATED);
      },
    }).then(
      (database) => {
        if (blocked) database.close();
        else resolve(ok(database));
      },
      (error: unknown) => resolve({ ok: false, error: failureOf(error) }),
    );
  });
}

/**
 * Has Chromium begin a new log of writes. When a browser is killed in the middle of a record, its LevelDB (option `reuse_logs`) reads
 * up to there at the next start and goes on writing behind the torn record; at the start after that the checksums do not match,
 * and the browser throws away everything of this origin ("Corruption: checksum mismatch", decision 0029). To delete a database
 * makes it write what is in memory into a table and drop the log, the torn record with it. Nobody waits for this, and where it
 * fails nothing is worse than before.
 */
async function renewWriteLog(name: string): Promise<void> {
  try {
    const scratch = await openDB(`${name}${SCRATCH}`, 1, {
      upgrade: (database) => void database.createObjectStore('empty'),
    });
    scratch.close();
    await deleteDB(`${name}${SCRATCH}`);
  } catch {
    // A browser that cannot do this has told of it when the storage itself was opened.
  }
}

/** Once a page: a start opens its storage more than once. */
const renewals = new Map<string, Promise<void>>();
function renewWriteLogOnce(name: string): Promise<void> {
  const renewal = renewals.get(name) ?? renewWriteLog(name);
  renewals.set(name, renewal);
  return renewal;
}

function deleteDatabase(name: string): Promise<Result<void>> {
  return new Promise((resolve) => {
    deleteDB(name, { blocked: () => resolve({ ok: false, error: BLOCKED }) }).then(
      () => resolve(ok(undefined)),
      (error: unknown) => resolve({ ok: false, error: failureOf(error) }),
    );
  });
}

function abort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It had ended already.
  }
}

const CLOSED: Failure = { code: 'storage_unavailable', message: 'The storage is closed.' };
const BLOCKED: Failure = {
  code: 'storage_unavailable',
  message: 'Another tab of this app holds the storage. Close the other tabs, then reload this one.',
};
const OUTDATED: Failure = {
  code: 'storage_outdated',
  message: 'Another tab runs a newer version of this app. Reload this tab.',
};
const DELETED: Failure = {
  code: 'storage_unavailable',
  message: 'Everything of this app was deleted in another tab. Reload this tab to begin anew.',
};
const TERMINATED: Failure = {
  code: 'storage_unavailable',
  message: 'The browser closed the storage. Reload this tab.',
};

function failureOf(error: unknown): Failure {
  const name = error instanceof DOMException || error instanceof Error ? error.name : '';
  switch (name) {
    case 'QuotaExceededError':
      return {
        code: 'storage_full',
        message: 'There is no space left for this app on this device. Free some in Settings, or delete other data.',
      };
    case 'VersionError':
      return OUTDATED;
    case 'DataCloneError':
      return { code: 'not_storable', message: 'This browser cannot store such a value.' };
    default:
      return {
        code: 'storage_unavailable',
        message: 'The browser did not let this app store data. A private window or a setting may forbid it.',
      };
  }
}
