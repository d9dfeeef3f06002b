import { hex, utf8 } from '#core/base/bytes';
import { createSha256, sha256 as sha256Of } from '#core/base/canonical';
import { fail, ok, type Result } from '#core/base/result';
import { MAX_MODEL_BYTES } from '#core/engines/model-manifest';
import {
  PIECE_BYTES,
  type FetchProgress,
  type FileWish,
  type ModelStore,
  type StoredFile,
} from '#core/engines/model-store';
import { checkAgainst } from '#core/wire/gate';
import { attempt, failureOf, noSpace } from './disk';
import { download, paused, type DownloadDeps } from './download';
import { createEntries, isSha256, type Entry } from './entries';
import { createFlights, type Fly } from './flights';
import { hubWordFor } from './hub-word';
import { MAX_URL_LENGTH, readUnfinished } from './journal';
import { hashOfPiece, openPartial, type Content } from './partial-file';
import { createSlots } from './slots';
import { tabMessageSchema, type Locks, type Tabs } from './tabs';

/** More at once share the same line; each broken one loses what is on its way. */
const MAX_DOWNLOADS = 4;

export interface StoreDeps extends DownloadDeps {
  readonly locks: Locks;
  readonly tabs: Tabs;
}

const storedOf = ({ sha256, sizeBytes, pinned }: Entry): StoredFile => ({ sha256, sizeBytes, pinned });
const notStored = () => fail('not_stored', 'This file is not on this device.');
const never = new AbortController().signal;

const idOf = ({ sha256, url }: FileWish): string => sha256 ?? idOfUrl(url);
const idOfUrl = (url: string): string => `url-${hex(sha256Of(utf8(url)))}`;

function isAddress(url: string): boolean {
  try {
    return url.length <= MAX_URL_LENGTH && /^https?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}

/**
 * The model store over a disk, locks and a way between tabs; see `ModelStore`. A content is written under its id while
 * the id's lock is held, and is there from the moment that its entry is. What neither an entry nor a journal speaks for
 * is swept away when the store is made.
 */
export function createStore(deps: StoreDeps): ModelStore {
  const { disk, locks, tabs } = deps;
  const entries = createEntries(disk);
  const flights = createFlights();
  const slots = createSlots(MAX_DOWNLOADS);
  const tellers = new Map<string, (progress: FetchProgress) => void>();

  const underLock = <T>(id: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> =>
    locks.hold(`tabmesh-store/${id}`, signal, run);
  /** The entry of a content is written by whoever finds it, under whatever id: it has a lock of its own. */
  const underEntryLock = <T>(sha256: string, run: () => Promise<T>): Promise<T> =>
    locks.hold(`tabmesh-store/entry/${sha256}`, never, run);

  tabs.on((said) => {
    const message = checkAgainst(tabMessageSchema, said);
    if (!message.ok) return;
    const { id } = message.value;
    if (message.value.type === 'stop') return flights.stop(id);
    if (message.value.type === 'ask') {
      const latest = flights.latest(id);
      // Whoever waits for another tab itself has nothing to say.
      if (latest !== null && !tellers.has(id)) tabs.post({ type: 'progress', id, ...latest });
      return;
    }
    const { storedBytes, totalBytes } = message.value;
    tellers.get(id)?.({ storedBytes, totalBytes });
  });

  const stopEverywhere = (id: string): void => {
    flights.stop(id);
    tabs.post({ type: 'stop', id });
  };

  const removeParts = async (id: string): Promise<void> => {
    await disk.remove('journals', id);
    await disk.remove('bytes', id);
  };

  /** What is stored already and answers this wish, remembered under what the wish knows of it. */
  async function findStored({ sha256, url }: FileWish): Promise<StoredFile | null> {
    if (sha256 !== null) {
      const entry = await entries.read(sha256);
      if (entry === null) return null;
      return storedOf(entry.pinned ? entry : await remember({ ...entry, pinned: true }));
    }
    const entry = (await entries.readAll()).find(({ urls }) => urls.includes(url));
    return entry === undefined ? null : storedOf(entry);
  }

  /** Writes what is known of a content, together with what was known before; its bytes stay where they were first. */
  const remember = (news: Entry): Promise<Entry> =>
    underEntryLock(news.sha256, async () => {
      const before = await entries.read(news.sha256);
      const entry: Entry =
        before === null
          ? news
          : { ...before, pinned: before.pinned || news.pinned, urls: [...new Set([...before.urls, ...news.urls])] };
      if (JSON.stringify(entry) !== JSON.stringify(before)) await entries.write(entry);
      return entry;
    });

  async function commit(
    id: string,
    { sha256, sizeBytes, pieceHashes }: Content,
    wish: Pick<FileWish, 'sha256'>,
    urls: string[],
  ) {
    const entry = await remember({
      sha256,
      sizeBytes,
      pieceHashes: [...pieceHashes],
      pinned: wish.sha256 !== null,
      id,
      urls,
    });
    if (entry.id === id) await disk.remove('journals', id);
    else await removeParts(id);
    return storedOf(entry);
  }

  /** The server's own word for the hash, which must not keep a download waiting for ever. */
  async function wordFor(url: string, signal: AbortSignal): Promise<string | null> {
    const asking = new AbortController();
    const end = (): void => asking.abort();
    signal.addEventListener('abort', end);
    const cancel = deps.pace.after({ for: 'silence' }, end);
    const word = await hubWordFor(deps.fetch, url, asking.signal);
    cancel();
    signal.removeEventListener('abort', end);
    return word;
  }

  async function bring(id: string, wish: FileWish, tell: (progress: FetchProgress) => void, signal: AbortSignal) {
    const word = wish.sha256 === null ? await wordFor(wish.url, signal) : null;
    const known = word === null ? null : await entries.read(word);
    if (known !== null) return ok(storedOf(await remember({ ...known, urls: [...known.urls, wish.url] })));
    const partial = await openPartial({
      disk,
      id,
      source: { url: wish.url, sha256: wish.sha256 ?? word, validator: null, totalBytes: wish.sizeBytes },
      trustedHashes: wish.pieceHashes ?? [],
      signal,
      onRead: (storedBytes) => tell({ storedBytes, totalBytes: wish.sizeBytes }),
    });
    try {
      const content = await download(deps, wish, partial, tell, signal);
      if (content.ok) return ok(await commit(id, content.value, wish, wish.sha256 === null ? [wish.url] : []));
      if (partial.empty) await partial.discard();
      return content;
    } finally {
      await partial.close();
    }
  }

  const flyFor =
    (id: string, wish: FileWish): Fly =>
    async (tell, signal) => {
      const tellAll = (progress: FetchProgress): void => {
        tell(progress);
        tabs.post({ type: 'progress', id, ...progress });
      };
      try {
        const stored = await findStored(wish);
        if (stored !== null) return ok(stored);
        // Until the lock is ours, another tab may be downloading the same.
        tellers.set(id, tell);
        tabs.post({ type: 'ask', id });
        return await underLock(id, signal, async () => {
          tellers.delete(id);
          const meanwhile = await findStored(wish);
          if (meanwhile !== null) return ok(meanwhile);
          return await slots.take(signal, () => bring(id, wish, tellAll, signal));
        });
      } catch (error) {
        return signal.aborted ? paused() : failureOf(error, wish.sizeBytes ?? 0);
      } finally {
        if (tellers.get(id) === tell) tellers.delete(id);
      }
    };

  /** Hashes a file that may be larger than memory; null when it cannot be read. */
  async function contentOf(file: Blob): Promise<Content | null> {
    const running = createSha256();
    const pieceHashes: string[] = [];
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      const piece = await bytesOf(file, at);
      if (piece === null) return null;
      running.update(piece);
      pieceHashes.push(await hashOfPiece(piece));
    }
    return { sha256: hex(running.digest()), sizeBytes: file.size, pieceHashes };
  }

  async function copyIn(file: Blob, content: Content): Promise<Result<void>> {
    const bytes = await disk.open('bytes', content.sha256);
    try {
      bytes.truncate(0);
      for (const [index, sha256] of content.pieceHashes.entries()) {
        const piece = await bytesOf(file, index * PIECE_BYTES);
        if (piece === null || (await hashOfPiece(piece)) !== sha256) return unreadable();
        bytes.write(piece, index * PIECE_BYTES);
      }
      bytes.flush();
      return ok(undefined);
    } finally {
      bytes.close();
    }
  }

  async function sweep(): Promise<void> {
    const [ids, journals] = await Promise.all([disk.names('bytes'), disk.names('journals')]);
    const journalled = new Set(journals);
    const entered = new Set((await entries.readAll()).map(({ id }) => id));
    for (const id of new Set([...ids, ...journals])) {
      if (journalled.has(id) !== entered.has(id)) continue;
      await locks.holdIfFree(`tabmesh-store/${id}`, async () => {
        const spoken = (await entries.readAll()).some((entry) => entry.id === id);
        if (spoken) await disk.remove('journals', id);
        else if (!(await disk.names('journals')).includes(id)) await disk.remove('bytes', id);
      });
    }
  }
  // Nobody waits for it; where files cannot be had at all, the first call says so.
  sweep().catch((error: unknown) => void failureOf(error, 0));

  return {
    list: () => attempt(async () => ok((await entries.readAll()).map(storedOf))),
    unfinished: () =>
      attempt(async () => {
        const entered = new Set((await entries.readAll()).map(({ id }) => id));
        const ids = (await disk.names('journals')).filter((id) => !entered.has(id));
        // One that cannot be read while it is written is told of by those who fetch it.
        const found = await Promise.all(ids.map((id) => readUnfinished(disk, id).catch(() => null)));
        return ok(found.filter((file) => file !== null));
      }),
    has: (sha256) =>
      entries.read(sha256).then(
        (entry) => entry !== null,
        () => false,
      ),
    async fetch(wish, onProgress, signal) {
      if (!isAddress(wish.url)) return fail('server_refused', 'The file has no address that a browser can fetch.');
      if (wish.sha256 !== null && !isSha256(wish.sha256))
        return fail('hash_mismatch', 'The file is asked for by something that is no SHA-256.');
      const id = idOf(wish);
      const result = await flights.join(id, flyFor(id, wish), onProgress, signal);
      if (result.ok) onProgress({ storedBytes: result.value.sizeBytes, totalBytes: result.value.sizeBytes });
      return result;
    },
    import: (file, sha256) =>
      attempt(async () => {
        if (file.size > MAX_MODEL_BYTES) return fail('too_large', 'This file is larger than any model.');
        const content = await contentOf(file);
        if (content === null) return unreadable();
        if (content.sha256 !== (sha256 ?? content.sha256))
          return fail('hash_mismatch', 'This file was refused: it is not the one that was asked for.');
        const id = content.sha256;
        // What comes over the network is not needed any more.
        stopEverywhere(id);
        return await underLock(id, never, async () => {
          const before = await entries.read(id);
          if (before === null) {
            const freeBytes = await disk.freeBytes();
            if (freeBytes !== null && content.sizeBytes > freeBytes) return noSpace(content.sizeBytes - freeBytes);
            try {
              const copied = await copyIn(file, content);
              if (!copied.ok) {
                await removeParts(id);
                return copied;
              }
            } catch (error) {
              await removeParts(id);
              return failureOf(error, content.sizeBytes);
            }
          }
          return ok(await commit(before?.id ?? id, content, { sha256 }, []));
        });
      }),
    open: (sha256) =>
      attempt(async () => {
        const entry = await entries.read(sha256);
        const blob = entry === null ? null : await disk.blob('bytes', entry.id);
        return blob === null ? notStored() : ok(blob);
      }),
    read: (sha256, fromByte, lengthBytes) =>
      attempt(async () => {
        const entry = await entries.read(sha256);
        const blob = entry === null ? null : await disk.blob('bytes', entry.id);
        if (blob === null) return notStored();
        const toByte = fromByte + lengthBytes;
        const inside = fromByte >= 0 && lengthBytes >= 0 && lengthBytes <= PIECE_BYTES && toByte <= blob.size;
        if (!inside) return fail('out_of_range', 'This part is not in the file, or too long to be read at once.');
        return ok(new Uint8Array(await blob.slice(fromByte, toByte).arrayBuffer()));
      }),
    pieceHashes: (sha256) =>
      attempt(async () => {
        const entry = await entries.read(sha256);
        return entry === null ? notStored() : ok(entry.pieceHashes);
      }),
    delete: (sha256) =>
      attempt(async () => {
        if (!isSha256(sha256)) return ok(undefined);
        stopEverywhere(sha256);
        return await underLock(sha256, never, () =>
          underEntryLock(sha256, async () => {
            const entry = await entries.read(sha256);
            await entries.remove(sha256);
            for (const id of new Set([sha256, entry?.id ?? sha256])) await removeParts(id);
            return ok(undefined);
          }),
        );
      }),
    forget: (url) =>
      attempt(async () => {
        for (const id of await disk.names('journals')) {
          if ((await readUnfinished(disk, id))?.url !== url) continue;
          stopEverywhere(id);
          await underLock(id, never, async () => {
            const entered = (await entries.readAll()).some((entry) => entry.id === id);
            if (!entered) await removeParts(id);
          });
        }
        return ok(undefined);
      }),
    async usage() {
      const sizeOf = async (id: string): Promise<number> => (await disk.blob('bytes', id))?.size ?? 0;
      const ids = await disk.names('bytes').catch(() => []);
      const sizes = await Promise.all(ids.map((id) => sizeOf(id).catch(() => 0)));
      return {
        usedBytes: sizes.reduce((sum, size) => sum + size, 0),
        freeBytes: await disk.freeBytes().catch(() => null),
      };
    },
  };
}

const unreadable = () => fail('store_failed', 'This file could not be read, or it changed while it was read.');

const bytesOf = (file: Blob, at: number): Promise<Uint8Array<ArrayBuffer> | null> =>
  file
    .slice(at, at + PIECE_BYTES)
    .arrayBuffer()
    .then(
      (bytes) => new Uint8Array(bytes),
      () => null,
    );
