import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import type { EventLogStore, KeyValueStore, NodeStorage, StoredEntry } from '#core/storage/ports';

/**
 * Storage in a folder, for nodes outside the browser:
 *
 *   records/<sha-256 of the key>   one file per record: written beside, flushed, then renamed over
 *   log                            frames, only ever appended, flushed before an append resolves
 *   logs/<name in hex>             the same, one file per named log
 *
 * A frame is length (u32), position (u32), nonce (8 bytes), checksum (8 bytes of SHA-256 over all else), bytes;
 * numbers are big-endian. A frame cut short by a crash was never acknowledged and is cut off at the next opening. Frames
 * whose position is not the next one lost a race between two writers and are skipped; their writer was told so.
 */
export async function openFsStorage(folder: string): Promise<Result<NodeStorage>> {
  try {
    await mkdir(join(folder, 'records'), { recursive: true });
    const log = await openLog(join(folder, 'log'));
    if (!log.ok) return log;
    let closed = false;
    const namedLogs = new Map<string, Promise<Result<FileLog>>>();
    const opened = (name: string): Promise<Result<FileLog>> => {
      const known = namedLogs.get(name) ?? openNamedLog(join(folder, 'logs'), name);
      namedLogs.set(name, known);
      return known;
    };
    const closeLogs = async (): Promise<void> => {
      await log.value.close();
      for (const one of namedLogs.values()) {
        const named = await one.catch(() => null);
        if (named?.ok) await named.value.close();
      }
    };
    const attempt = async <T>(run: () => Promise<Result<T>>): Promise<Result<T>> => {
      if (closed) return fail('storage_unavailable', 'The storage is closed.');
      try {
        return await run();
      } catch (error) {
        return { ok: false, error: failureOf(error) };
      }
    };
    const close = (): void => {
      closed = true;
      void closeLogs();
    };
    return ok({
      records: createRecords(join(folder, 'records'), attempt),
      log: logOver(async () => log, attempt),
      logNamed: (name) => logOver(() => opened(name), attempt),
      logNames: (prefix) =>
        attempt(async () => {
          const names = (await filesIn(join(folder, 'logs'))).map((file) => Buffer.from(file, 'hex').toString());
          return ok(names.filter((name) => name.startsWith(prefix)).sort());
        }),
      close,
      destroy: async () => {
        closed = true;
        await closeLogs();
        try {
          await rm(folder, { recursive: true, force: true });
          return ok(undefined);
        } catch (error) {
          return { ok: false, error: failureOf(error) };
        }
      },
    });
  } catch (error) {
    return { ok: false, error: failureOf(error) };
  }
}

/** A file name has at most 255 characters, two for each of a log's name. */
const MAX_NAME_BYTES = 127;

/** Made with the first entry: a log that was only looked at leaves nothing. */
async function openNamedLog(folder: string, name: string): Promise<Result<FileLog>> {
  const file = Buffer.from(name).toString('hex');
  if (file.length > MAX_NAME_BYTES * 2) throw new Error(`A log's name is longer than ${MAX_NAME_BYTES} bytes.`);
  await mkdir(folder, { recursive: true });
  return openLog(join(folder, file));
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
    return files.filter((_, at) => sizes[at]! > 0);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function logOver(
  open: () => Promise<Result<FileLog>>,
  attempt: <T>(run: () => Promise<Result<T>>) => Promise<Result<T>>,
): EventLogStore {
  const withLog = <T>(run: (log: FileLog) => Promise<Result<T>>): Promise<Result<T>> =>
    attempt(async () => {
      const log = await open();
      return log.ok ? run(log.value) : log;
    });
  const appendAll: EventLogStore['appendAll'] = (position, entries) => {
    const copies = entries.map((bytes) => Uint8Array.from(bytes));
    return withLog((log) => log.appendAll(position, copies));
  };
  return {
    append: (position, bytes) => appendAll(position, [bytes]),
    appendAll,
    length: () => withLog((log) => log.length()),
    read: (from, limit) => withLog((log) => log.read(from, limit)),
  };
}

function createRecords(
  folder: string,
  attempt: <T>(run: () => Promise<Result<T>>) => Promise<Result<T>>,
): KeyValueStore {
  const fileOf = (key: string): string => join(folder, createHash('sha256').update(key).digest('hex'));
  /** Writes of one storage follow each other, so that the later call wins. */
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(run: () => Promise<Result<T>>): Promise<Result<T>> => {
    const next = last.then(() => attempt(run));
    last = next;
    return next;
  };

  const load = async (file: string): Promise<Result<{ key: string; value: unknown } | undefined>> => {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(file);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return ok(undefined);
      throw error;
    }
    try {
      return ok(deserialize(bytes) as { key: string; value: unknown });
    } catch {
      return fail('storage_damaged', `The file ${file} is damaged. Delete it to begin anew without it.`);
    }
  };

  const store = async (key: string, value: unknown, mayReplace: boolean): Promise<Result<boolean>> => {
    let bytes: Uint8Array;
    try {
      bytes = serialize({ key, value });
    } catch {
      return fail('not_storable', 'This value cannot be stored.');
    }
    const file = fileOf(key);
    const beside = `${file}.${randomBytes(6).toString('hex')}.new`;
    try {
      const handle = await open(beside, 'wx');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (!mayReplace) {
        try {
          // A link is made in one step and never replaces: of two writers exactly one succeeds.
          await link(beside, file);
        } catch (error) {
          if (codeOf(error) === 'EEXIST') return ok(false);
          throw error;
        }
      } else {
        await rename(beside, file);
      }
      await syncFolder(folder);
      return ok(true);
    } finally {
      await rm(beside, { force: true });
    }
  };

  return {
    get: <T>(key: string) =>
      inOrder<T | undefined>(async () => {
        const record = await load(fileOf(key));
        return record.ok ? ok(record.value?.value as T | undefined) : record;
      }),
    set: (key, value) =>
      inOrder<void>(async () => {
        const written = await store(key, value, true);
        return written.ok ? ok(undefined) : written;
      }),
    setIfAbsent: (key, value) => inOrder(() => store(key, value, false)),
    delete: (key) =>
      inOrder<void>(async () => {
        await rm(fileOf(key), { force: true });
        await syncFolder(folder);
        return ok(undefined);
      }),
    keys: (prefix) =>
      inOrder<readonly string[]>(async () => {
        const keys: string[] = [];
        for (const name of await readdir(folder)) {
          if (name.endsWith('.new')) continue;
          const record = await load(join(folder, name));
          // A damaged record hides itself, never the others.
          if (record.ok && record.value?.key.startsWith(prefix)) keys.push(record.value.key);
        }
        return ok(keys.sort());
      }),
  };
}

const HEADER_BYTES = 24;
/** Larger frames are not ours: a length beyond this is damage. */
const MAX_ENTRY_BYTES = 16 * 1024 * 1024;

interface Place {
  readonly offset: number;
  readonly size: number;
}

interface FileLog extends Omit<EventLogStore, 'append'> {
  close(): Promise<void>;
}

async function openLog(path: string): Promise<Result<FileLog>> {
  const handle = await open(path, 'a+');
  const places: Place[] = [];
  /** Where the next unread frame begins. */
  let end = 0;

  /** Reads frames that were not seen yet, ours and another writer's. False when something is damaged. */
  const catchUp = async (repair: boolean): Promise<boolean> => {
    const { size } = await handle.stat();
    while (end < size) {
      const header = await readExactly(handle, end, HEADER_BYTES, size);
      const length = header === null ? 0 : header.readUInt32BE(0);
      const body =
        header === null || length > MAX_ENTRY_BYTES
          ? null
          : await readExactly(handle, end + HEADER_BYTES, length, size);
      if (header === null || body === null || !checksumOf(header, body).equals(header.subarray(16, 24))) {
        const tail = body === null || end + HEADER_BYTES + length >= size;
        if (!repair || !tail || (header !== null && length > MAX_ENTRY_BYTES)) return !repair && tail;
        await handle.truncate(end);
        await handle.sync();
        return true;
      }
      if (header.readUInt32BE(4) === places.length) places.push({ offset: end + HEADER_BYTES, size: length });
      end += HEADER_BYTES + length;
    }
    return true;
  };

  if (!(await catchUp(true))) {
    await handle.close();
    return fail('storage_damaged', `The log ${path} is damaged in the middle. Put a copy back, or move it away.`);
  }

  let last: Promise<unknown> = Promise.resolve();
  let waiting: { position: number; entries: readonly Uint8Array[]; settle: (result: Result<void>) => void }[] = [];
  const inOrder = <T>(run: () => Promise<T>): Promise<T> => {
    const next = last.then(run, run);
    last = next.catch(() => {});
    return next;
  };

  /** One write and one flush for everything that was appended meanwhile. */
  const flush = async (): Promise<void> => {
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      await catchUp(false);
      const frames: Buffer[] = [];
      const settled: ((result: Result<void>) => void)[] = [];
      for (const { position, entries, settle } of group) {
        if (position !== places.length + frames.length) {
          settle(CONFLICT);
          continue;
        }
        for (const bytes of entries) frames.push(frameOf(places.length + frames.length, bytes));
        settled.push(settle);
      }
      const start = end;
      const written = Buffer.concat(frames);
      try {
        await handle.appendFile(written);
        await handle.sync();
      } catch (error) {
        await handle.truncate(start).catch(() => {});
        const failure: Result<void> = { ok: false, error: failureOf(error) };
        for (const settle of settled) settle(failure);
        return;
      }
      // The nonce tells our frames from another writer's that got the same place first.
      const there = Buffer.alloc(written.length);
      await handle.read(there, 0, written.length, start);
      const first = there.equals(written);
      await catchUp(false);
      for (const settle of settled) settle(first ? ok(undefined) : CONFLICT);
    } catch (error) {
      const failure: Result<void> = { ok: false, error: failureOf(error) };
      for (const { settle } of group) settle(failure);
    }
  };

  return ok({
    appendAll: (position, entries) =>
      new Promise((settle) => {
        waiting.push({ position, entries, settle });
        void inOrder(flush);
      }),
    length: () =>
      inOrder(async () => {
        await catchUp(false);
        return ok(places.length);
      }),
    read: (from, limit) =>
      inOrder(async () => {
        await catchUp(false);
        const entries: StoredEntry[] = [];
        for (const [index, { offset, size }] of places.slice(from, from + limit).entries()) {
          const bytes = new Uint8Array(size);
          await handle.read(bytes, 0, size, offset);
          entries.push({ position: from + index, bytes });
        }
        return ok(entries);
      }),
    close: () => inOrder(() => handle.close()),
  });
}

function frameOf(position: number, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(bytes.length, 0);
  header.writeUInt32BE(position, 4);
  randomBytes(8).copy(header, 8);
  checksumOf(header, bytes).copy(header, 16);
  return Buffer.concat([header, bytes]);
}

const checksumOf = (header: Buffer, bytes: Uint8Array): Buffer =>
  createHash('sha256').update(header.subarray(0, 16)).update(bytes).digest().subarray(0, 8);

/** Null when the file ends before. */
async function readExactly(handle: FileHandle, offset: number, count: number, size: number): Promise<Buffer | null> {
  if (offset + count > size) return null;
  const bytes = Buffer.alloc(count);
  const { bytesRead } = await handle.read(bytes, 0, count, offset);
  return bytesRead === count ? bytes : null;
}

/** So that a rename survives a power cut; some systems cannot open folders and need no such flush. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL'].includes(codeOf(error))) throw error;
  }
}

const CONFLICT = fail('log_conflict', 'Another writer appended to the log first.');

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '');

function failureOf(error: unknown): Failure {
  if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') {
    return { code: 'storage_full', message: 'There is no space left on this disk.' };
  }
  return { code: 'storage_unavailable', message: `The folder cannot be used: ${(error as Error).message}.` };
}
