import { hex } from '#core/base/bytes';
import { unwrap, type Result } from '#core/base/result';
import {
  PIECE_BYTES,
  type FetchProgress,
  type FileWish,
  type ModelStore,
  type StoredFile,
} from '#core/engines/model-store';
import { contentOf, type ModelServerClient, type ServedFile } from '#tests/fakes/model-server-client';

/** One store under test, and a server that lies on demand. */
export interface ModelStoreSubject {
  /** A store over the same, at first empty disk; each is another tab. */
  open(): Promise<ModelStore>;
  readonly server: ModelServerClient;
  /** An address at which nobody listens. */
  readonly deadUrl: string;
}

export interface ModelStoreCase {
  readonly name: string;
  run(subject: ModelStoreSubject): Promise<void>;
}

/** Three whole pieces and a part: 3.25 MiB. */
const SIZE = 3 * PIECE_BYTES + PIECE_BYTES / 4;
const never = new AbortController().signal;

function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

const same = (actual: unknown, expected: unknown, what: string): void =>
  expect(
    JSON.stringify(actual) === JSON.stringify(expected),
    `${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`,
  );

function failsWith(result: Result<unknown>, code: string): string {
  expect(!result.ok, `expected ${code}, got a value`);
  same(result.error.code, code, 'code');
  return result.error.message;
}

const hashOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

const pieceHashesOf = (bytes: Uint8Array<ArrayBuffer>): Promise<string[]> =>
  Promise.all(
    Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, index) =>
      hashOf(bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)),
    ),
  );

interface Served {
  readonly path: string;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** A wish that knows everything. */
  readonly wish: FileWish;
}

let served = 0;

/** Serves a file of its own, or in place of what was at `path`. */
async function serve(server: ModelServerClient, options: Partial<ServedFile> = {}): Promise<Served> {
  served++;
  const file = { path: `/files/${served}.bin`, seed: served, sizeBytes: SIZE, ...options };
  const url = await server.serve(file);
  const content = contentOf(file.seed, file.sizeBytes);
  const sha256 = await hashOf(content);
  return { path: file.path, content, sha256, wish: { sha256, sizeBytes: content.length, url } };
}

const unpinned = ({ wish }: Served): FileWish => ({ sha256: null, sizeBytes: null, url: wish.url });

const fetchFrom = (store: ModelStore, wish: FileWish, signal = never): Promise<Result<StoredFile>> =>
  store.fetch(wish, () => {}, signal);

async function contentIn(store: ModelStore, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await unwrap(await store.open(sha256)).arrayBuffer());
}

async function holds(store: ModelStore, { sha256, content }: Served): Promise<void> {
  same(await hashOf(await contentIn(store, sha256)), sha256, 'hash of what is stored');
  same(unwrap(await store.list()).find((file) => file.sha256 === sha256)?.sizeBytes, content.length, 'listed size');
}

async function holdsNothing(store: ModelStore): Promise<void> {
  same(unwrap(await store.list()), [], 'files');
  same(unwrap(await store.unfinished()), [], 'unfinished files');
  same((await store.usage()).usedBytes, 0, 'used bytes');
}

async function sentAtMost(server: ModelServerClient, path: string, mostBytes: number): Promise<void> {
  const { sentBytes } = await server.log(path);
  expect(sentBytes <= mostBytes, `the server sent ${sentBytes} bytes, more than ${mostBytes}`);
}

/** Progress is told in steps of this or more, so that what came may be a step ahead of it. */
const STEP_BYTES = 128 * 1024;

/** Fetches until what the server sends before it holds has come, and gives what pauses there. */
async function fetchUntilHeld(store: ModelStore, wish: FileWish, holdAfterBytes: number) {
  const controller = new AbortController();
  let come: () => void;
  const held = new Promise<void>((resolve) => (come = resolve));
  const running = store.fetch(
    wish,
    ({ storedBytes }) => {
      if (storedBytes >= holdAfterBytes - STEP_BYTES) come();
    },
    controller.signal,
  );
  await held;
  return {
    async pause() {
      controller.abort();
      failsWith(await running, 'paused');
    },
  };
}

/** Fetches to the end; the line breaks each time that so much has come and the server holds. */
async function fetchCutting(
  store: ModelStore,
  server: ModelServerClient,
  { path, wish }: Pick<Served, 'path' | 'wish'>,
  cutAtBytes: readonly number[],
): Promise<Result<StoredFile>> {
  const left = [...cutAtBytes];
  let cutting: Promise<void> = Promise.resolve();
  const stored = await store.fetch(
    wish,
    ({ storedBytes }) => {
      if (left.length === 0 || storedBytes < left[0]! - STEP_BYTES) return;
      left.shift();
      const last = left.length === 0;
      cutting = cutting
        .then(() => server.held(path))
        .then(() => server.cut(path))
        .then(() => (last ? server.release(path) : undefined));
    },
    never,
  );
  await cutting;
  return stored;
}

const rule = (name: string, run: (subject: ModelStoreSubject) => Promise<void>): ModelStoreCase => ({ name, run });

/** What every model store promises; see `ModelStore`. Cases throw an Error that says what was broken. */
export const modelStoreCases: readonly ModelStoreCase[] = [
  rule('a file comes whole, and progress ends with all of it', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    const progress: FetchProgress[] = [];
    const stored = unwrap(await store.fetch(file.wish, (state) => progress.push(state), never));
    same(stored, { sha256: file.sha256, sizeBytes: SIZE, pinned: true }, 'stored file');
    await holds(store, file);
    same(await store.has(file.sha256), true, 'has');
    same(progress.at(-1), { storedBytes: SIZE, totalBytes: SIZE }, 'last progress');
    expect(progress.length > 3, `progress was told ${progress.length} times only`);
    expect(
      progress.every(({ storedBytes }, at) => at === 0 || storedBytes >= progress[at - 1]!.storedBytes),
      'progress went back',
    );
    same(unwrap(await store.unfinished()), [], 'unfinished files');
    same((await store.usage()).usedBytes, SIZE, 'used bytes');
    const { preflights, requests } = await server.log(file.path);
    same([preflights, requests.length], [0, 1], 'preflights and requests');
  }),

  rule('files of no byte, of one, and of exactly some pieces come as they are', async ({ open, server }) => {
    const store = await open();
    for (const sizeBytes of [0, 1, PIECE_BYTES, 2 * PIECE_BYTES]) {
      const file = await serve(server, { sizeBytes });
      unwrap(await fetchFrom(store, file.wish));
      await holds(store, file);
      const silent = await serve(server, { sizeBytes, lengthless: true });
      same(unwrap(await fetchFrom(store, unpinned(silent))).sha256, silent.sha256, 'name without a length');
    }
  }),

  rule(
    'what is stored is not asked for again, here, in another tab or under another address',
    async ({ open, server }) => {
      const store = await open();
      const file = await serve(server);
      unwrap(await fetchFrom(store, file.wish));
      const twin = await server.serve({ path: `${file.path}.twin`, seed: 1, sizeBytes: 10 });
      for (const tab of [store, await open()]) unwrap(await fetchFrom(tab, { ...file.wish, url: twin }));
      same((await server.log(`${file.path}.twin`)).requests, [], 'requests');
      same((await server.log(file.path)).requests.length, 1, 'requests for the first');
      same(unwrap(await store.list()).length, 1, 'files');
    },
  ),

  rule('a line that breaks three times costs next to nothing', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { holdAfterBytes: 800_000 });
    unwrap(await fetchCutting(store, server, file, [800_000, 1_600_000, 2_400_000]));
    await holds(store, file);
    same((await server.log(file.path)).requests.length, 4, 'requests');
    await sentAtMost(server, file.path, SIZE + 3 * STEP_BYTES);
  }),

  rule('lines that break before what they brought was read are tried again', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { cutAfterBytes: [900_000, 1_200_000, 0, 70_000, 700_000] });
    unwrap(await fetchFrom(store, file.wish));
    await holds(store, file);
  }),

  rule('a paused download goes on where it stopped, also in another tab', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { holdAfterBytes: 1_500_000 });
    await (await fetchUntilHeld(store, file.wish, 1_500_000)).pause();
    await server.release(file.path);
    same(await store.has(file.sha256), false, 'has');
    const [left] = unwrap(await store.unfinished());
    same([left?.url, left?.sha256, left?.totalBytes], [file.wish.url, file.sha256, SIZE], 'unfinished file');
    expect(left!.storedBytes >= PIECE_BYTES, `only ${left!.storedBytes} bytes were kept`);
    const progress: number[] = [];
    unwrap(await (await open()).fetch(file.wish, ({ storedBytes }) => progress.push(storedBytes), never));
    await holds(store, file);
    const { requests } = await server.log(file.path);
    same(requests.at(-1)?.range, `bytes=${left!.storedBytes}-`, 'range');
    expect(progress[0]! >= PIECE_BYTES, `progress began again at ${progress[0]}`);
    await sentAtMost(server, file.path, SIZE + 2 * STEP_BYTES);
  }),

  rule('one flipped bit is refused and nothing of it is kept', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { flipByte: 2_000_000, flips: 1 });
    failsWith(await fetchFrom(store, file.wish), 'hash_mismatch');
    failsWith(await store.open(file.sha256), 'not_stored');
    await holdsNothing(store);
    unwrap(await fetchFrom(store, file.wish));
    await holds(store, file);
  }),

  rule('with the hashes of its pieces, a damaged piece alone is fetched again', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { flipByte: PIECE_BYTES + 5, flips: 1 });
    const pieceHashes = await pieceHashesOf(file.content);
    unwrap(await fetchFrom(store, { ...file.wish, pieceHashes }));
    await holds(store, file);
    const { requests, sentBytes } = await server.log(file.path);
    same(
      requests.map(({ range }) => range),
      ['bytes=0-', `bytes=${PIECE_BYTES}-${2 * PIECE_BYTES - 1}`],
      'ranges',
    );
    same(sentBytes, SIZE + PIECE_BYTES, 'bytes sent');
    same(unwrap(await store.pieceHashes(file.sha256)), pieceHashes, 'hashes of pieces');
  }),

  rule('a first piece that came damaged is fetched again without the others', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { flipByte: 0, flips: 1 });
    unwrap(await fetchFrom(store, { ...file.wish, pieceHashes: await pieceHashesOf(file.content) }));
    await holds(store, file);
    await sentAtMost(server, file.path, SIZE + PIECE_BYTES);
  }),

  rule('a piece that comes damaged every time is refused after a few tries', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { flipByte: 5 });
    failsWith(
      await fetchFrom(store, { ...file.wish, pieceHashes: await pieceHashesOf(file.content) }),
      'hash_mismatch',
    );
    same(await store.has(file.sha256), false, 'has');
    await sentAtMost(server, file.path, SIZE + 2 * PIECE_BYTES);
  }),

  rule('hashes of pieces that do not fit the file are not used', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    unwrap(await fetchFrom(store, { ...file.wish, pieceHashes: ['0'.repeat(64)] }));
    await holds(store, file);
  }),

  rule('a server that gives no parts is begun again, and not for ever', async ({ open, server }) => {
    const store = await open();
    const cutAfterBytes = 1_500_000;
    const file = await serve(server, { ignoreRange: true, holdAfterBytes: cutAfterBytes });
    unwrap(await fetchCutting(store, server, file, [cutAfterBytes]));
    await holds(store, file);
    same((await server.log(file.path)).sentBytes, SIZE + cutAfterBytes, 'bytes sent');
    const hopeless = await serve(server, { ignoreRange: true, holdAfterBytes: cutAfterBytes });
    failsWith(
      await fetchCutting(store, server, hopeless, [cutAfterBytes, cutAfterBytes, cutAfterBytes, cutAfterBytes]),
      'server_refused',
    );
    same((await server.log(hopeless.path)).requests.length, 5, 'requests');
  }),

  rule('a file that changed between two tries is begun again and never mixed', async ({ open, server }) => {
    const store = await open();
    const old = await serve(server, { holdAfterBytes: 2_000_000 });
    await (await fetchUntilHeld(store, unpinned(old), 2_000_000)).pause();
    const changed = await serve(server, { path: old.path, seed: 1_000_000 });
    same(unwrap(await fetchFrom(store, unpinned(changed))).sha256, changed.sha256, 'name');
    await holds(store, changed);
  }),

  rule('a pinned file that changed is refused', async ({ open, server }) => {
    const store = await open();
    const old = await serve(server, { holdAfterBytes: 2_000_000 });
    await (await fetchUntilHeld(store, old.wish, 2_000_000)).pause();
    await serve(server, { path: old.path, seed: 1_000_001 });
    failsWith(await fetchFrom(store, old.wish), 'hash_mismatch');
    await holdsNothing(store);
  }),

  rule('a file that became shorter than what came of it is begun again', async ({ open, server }) => {
    const store = await open();
    const old = await serve(server, { holdAfterBytes: 2_000_000, validator: 'date', lengthless: true });
    await (await fetchUntilHeld(store, unpinned(old), 2_000_000)).pause();
    const short = await serve(server, { path: old.path, seed: 1_000_002, sizeBytes: 1_000_000, validator: 'date' });
    same(unwrap(await fetchFrom(store, unpinned(short))).sha256, short.sha256, 'name');
  }),

  rule('without a mark of its version, only a file that is known by its hash goes on', async ({ open, server }) => {
    const store = await open();
    for (const validator of ['weak', 'none'] as const) {
      const known = await serve(server, { validator, holdAfterBytes: 1_500_000 });
      unwrap(await fetchCutting(store, server, known, [1_500_000]));
      await sentAtMost(server, known.path, SIZE + STEP_BYTES);
      const unknown = await serve(server, { validator, holdAfterBytes: 1_500_000 });
      unwrap(await fetchCutting(store, server, { path: unknown.path, wish: unpinned(unknown) }, [1_500_000]));
      await holds(store, unknown);
      same(
        (await server.log(unknown.path)).requests.map(({ range }) => range),
        ['bytes=0-', 'bytes=0-'],
        'ranges',
      );
    }
  }),

  rule('a server of another origin that shows no headers still goes on where it stopped', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { unexposed: true, holdAfterBytes: 1_200_000 });
    unwrap(await fetchCutting(store, server, file, [1_200_000, 2_400_000]));
    await holds(store, file);
    await sentAtMost(server, file.path, SIZE + 2 * STEP_BYTES);
    same((await server.log(file.path)).preflights, 0, 'preflights');
  }),

  rule('what is longer than it was announced is refused', async ({ open, server }) => {
    const store = await open();
    const longer = await serve(server, { sizeBytes: SIZE + 10 });
    failsWith(await fetchFrom(store, { ...longer.wish, sizeBytes: SIZE }), 'too_large');
    const lied = await serve(server, { announceBytes: SIZE - 10 });
    failsWith(await fetchFrom(store, unpinned(lied)), 'too_large');
    const silent = await serve(server, { lengthless: true });
    failsWith(await fetchFrom(store, { ...silent.wish, sizeBytes: SIZE - 10 }), 'too_large');
    await holdsNothing(store);
  }),

  rule('what is shorter than the file asked for is refused before it is taken', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    failsWith(await fetchFrom(store, { ...file.wish, sizeBytes: SIZE + 1 }), 'hash_mismatch');
    await holdsNothing(store);
  }),

  rule('a server that refuses says its status; one that is busy is asked again', async ({ open, server }) => {
    const store = await open();
    const missing = failsWith(
      await fetchFrom(store, { sha256: null, sizeBytes: null, url: server.urlOf('/nowhere') }),
      'server_refused',
    );
    expect(missing.includes('404'), `the status is not in: ${missing}`);
    const busy = await serve(server, { statuses: [503, 429] });
    unwrap(await fetchFrom(store, busy.wish));
    const closed = await serve(server, { statuses: Array.from({ length: 20 }, () => 503) });
    const message = failsWith(await fetchFrom(store, closed.wish), 'server_refused');
    expect(message.includes('503'), `the status is not in: ${message}`);
    failsWith(await fetchFrom(store, { ...busy.wish, sha256: null, url: 'no address' }), 'server_refused');
  }),

  rule('without a connection the tries end, and nothing is left behind', async ({ open, deadUrl }) => {
    const store = await open();
    failsWith(await fetchFrom(store, { sha256: 'a'.repeat(64), sizeBytes: 10, url: deadUrl }), 'offline');
    await holdsNothing(store);
  }),

  rule('a server that gives a few bytes at a time is given up', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { alwaysCutAfterBytes: 1_000 });
    failsWith(await fetchFrom(store, file.wish), 'offline');
    expect((await server.log(file.path)).requests.length < 10, 'the server was asked on and on');
  }),

  rule('an unpinned file is named by what it was, and pinned by a later wish', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    const stored = unwrap(await fetchFrom(store, unpinned(file)));
    same(stored, { sha256: file.sha256, sizeBytes: SIZE, pinned: false }, 'stored file');
    same(unwrap(await fetchFrom(store, unpinned(file))), stored, 'stored file again');
    same((await server.log(file.path)).requests.length, 1, 'requests');
    same(unwrap(await fetchFrom(store, file.wish)).pinned, true, 'pinned');
    same(unwrap(await (await open()).list()), [{ ...stored, pinned: true }], 'files in another tab');
    await holds(store, file);
  }),

  rule('an unpinned file with a content that is there already is kept once', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    unwrap(await fetchFrom(store, file.wish));
    const again = await serve(server, { seed: Number(/\d+/.exec(file.path)![0]) });
    same(again.sha256, file.sha256, 'hash');
    same(unwrap(await fetchFrom(store, unpinned(again))).pinned, true, 'pinned');
    same((await store.usage()).usedBytes, SIZE, 'used bytes');
    unwrap(await fetchFrom(store, unpinned(again)));
    same((await server.log(again.path)).requests.length, 1, 'requests');
  }),

  rule("an unpinned file is held against the hub's word", async ({ open, server }) => {
    const store = await open();
    const hub = (name: string): string => `/owner/repository/resolve/main/onnx/${name}`;
    const right = await serve(server, { path: hub('right.onnx') });
    await server.serve({ path: right.path, seed: served, sizeBytes: SIZE, hubWord: right.sha256 });
    same(unwrap(await fetchFrom(store, unpinned(right))).pinned, false, 'pinned');
    const wrong = await serve(server, { path: hub('wrong.onnx'), hubWord: 'b'.repeat(64) });
    failsWith(await fetchFrom(store, unpinned(wrong)), 'hash_mismatch');
    const shown = await serve(server, { linkedEtag: `"${'c'.repeat(64)}"` });
    failsWith(await fetchFrom(store, unpinned(shown)), 'hash_mismatch');
    const small = await serve(server, { linkedEtag: `"${'d'.repeat(40)}"` });
    unwrap(await fetchFrom(store, unpinned(small)));
    const twin = await serve(server, { path: hub('twin.onnx'), hubWord: right.sha256 });
    same(unwrap(await fetchFrom(store, unpinned(twin))).sha256, right.sha256, 'content that the hub says is the same');
    same((await server.log(twin.path)).requests, [], 'requests for it');
  }),

  rule('the same wish twice at once is one download, and one may leave it', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { holdAfterBytes: 1_500_000 });
    const told: [number[], number[]] = [[], []];
    const leaving = new AbortController();
    const first = store.fetch(file.wish, ({ storedBytes }) => told[0].push(storedBytes), leaving.signal);
    const second = store.fetch(file.wish, ({ storedBytes }) => told[1].push(storedBytes), never);
    await server.held(file.path);
    leaving.abort();
    failsWith(await first, 'paused');
    await server.release(file.path);
    unwrap(await second);
    expect(told[0].length > 0 && told[1].length > 0, 'one of them was told nothing');
    same((await server.log(file.path)).requests.length, 1, 'requests');
    await holds(store, file);
  }),

  rule('two tabs at once make one download, and both are told of its progress', async ({ open, server }) => {
    const [one, two] = [await open(), await open()];
    const file = await serve(server, { holdAfterBytes: 1_500_000 });
    const told: [number[], number[]] = [[], []];
    const running = [one, two].map((tab, index) =>
      tab.fetch(file.wish, ({ storedBytes }) => told[index as 0 | 1].push(storedBytes), never),
    );
    await server.held(file.path);
    await server.release(file.path);
    for (const result of await Promise.all(running)) same(unwrap(result).sha256, file.sha256, 'name');
    const { requests, sentBytes } = await server.log(file.path);
    same([requests.length, sentBytes], [1, SIZE], 'requests and bytes sent');
    for (const tab of told)
      expect(
        tab.some((bytes) => bytes > 0 && bytes < SIZE),
        'a tab saw no progress',
      );
  }),

  rule('the second tab goes on when the first one stops', async ({ open, server }) => {
    const [one, two] = [await open(), await open()];
    const file = await serve(server, { holdAfterBytes: 1_500_000 });
    const first = await fetchUntilHeld(one, file.wish, 1_500_000);
    const second = fetchFrom(two, file.wish);
    await first.pause();
    await server.release(file.path);
    unwrap(await second);
    await holds(two, file);
    await sentAtMost(server, file.path, SIZE + 2 * STEP_BYTES);
  }),

  rule('more downloads than run at once all come, and one that waits may leave', async ({ open, server }) => {
    const store = await open();
    const files: Served[] = [];
    for (let n = 0; n < 6; n++) files.push(await serve(server, { sizeBytes: 300_000, holdAfterBytes: 100_000 }));
    const leaving = new AbortController();
    const running = files.map(({ wish }, n) => fetchFrom(store, wish, n === 5 ? leaving.signal : never));
    for (const { path } of files.slice(0, 4)) await server.held(path);
    leaving.abort();
    failsWith(await running[5]!, 'paused');
    same((await server.log(files[5]!.path)).requests, [], 'requests of the one that left');
    for (const { path } of files) await server.release(path);
    for (const result of await Promise.all(running.slice(0, 5))) unwrap(result);
  }),

  rule('a file from this device is taken when it is the right one', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    const blob = new Blob([file.content]);
    failsWith(await store.import(blob, 'e'.repeat(64)), 'hash_mismatch');
    await holdsNothing(store);
    same(unwrap(await store.import(blob, file.sha256)), { sha256: file.sha256, sizeBytes: SIZE, pinned: true }, 'file');
    await holds(store, file);
    const other = await serve(server, { sizeBytes: 5 });
    same(
      unwrap(await store.import(new Blob([other.content]), null)),
      { sha256: other.sha256, sizeBytes: 5, pinned: false },
      'file',
    );
    same(unwrap(await store.pieceHashes(file.sha256)), await pieceHashesOf(file.content), 'hashes of pieces');
  }),

  rule('an import ends the download of the same file and takes its place', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { holdAfterBytes: 1_500_000 });
    const running = fetchFrom(store, file.wish);
    await server.held(file.path);
    unwrap(await store.import(new Blob([file.content]), file.sha256));
    failsWith(await running, 'paused');
    await holds(store, file);
    same(unwrap(await store.unfinished()), [], 'unfinished files');
    await server.release(file.path);
  }),

  rule('parts are read from inside the file only', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    unwrap(await fetchFrom(store, file.wish));
    const part = unwrap(await store.read(file.sha256, PIECE_BYTES - 3, 6));
    same([...part], [...file.content.slice(PIECE_BYTES - 3, PIECE_BYTES + 3)], 'bytes');
    same(unwrap(await store.read(file.sha256, SIZE - 10, 10)).length, 10, 'bytes at the end');
    for (const [from, length] of [
      [SIZE - 10, 11],
      [-1, 5],
      [0, -1],
      [0, PIECE_BYTES + 1],
    ] as const)
      failsWith(await store.read(file.sha256, from, length), 'out_of_range');
    failsWith(await store.read('f'.repeat(64), 0, 1), 'not_stored');
    failsWith(await store.open('f'.repeat(64)), 'not_stored');
    failsWith(await store.pieceHashes('f'.repeat(64)), 'not_stored');
  }),

  rule('a name that is no hash is the name of no file', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server, { sizeBytes: 100 });
    for (const name of ['', '../entries', 'A'.repeat(64), `${file.sha256}/`]) {
      same(await store.has(name), false, 'has');
      failsWith(await store.open(name), 'not_stored');
      failsWith(await store.read(name, 0, 1), 'not_stored');
      failsWith(await store.import(new Blob([file.content]), name), 'hash_mismatch');
      failsWith(await fetchFrom(store, { ...file.wish, sha256: name }), 'hash_mismatch');
      unwrap(await store.delete(name));
    }
    unwrap(await fetchFrom(store, file.wish));
  }),

  rule('a deleted file is gone and can be fetched again', async ({ open, server }) => {
    const store = await open();
    const file = await serve(server);
    const other = await serve(server, { sizeBytes: 100 });
    for (const wish of [file.wish, unpinned(other)]) unwrap(await fetchFrom(store, wish));
    unwrap(await (await open()).delete(file.sha256));
    unwrap(await store.delete(other.sha256));
    await holdsNothing(store);
    failsWith(await store.open(file.sha256), 'not_stored');
    unwrap(await store.delete(file.sha256));
    for (const wish of [file.wish, unpinned(other)]) unwrap(await fetchFrom(store, wish));
    await holds(store, file);
    await holds(store, other);
  }),

  rule('deleting what is coming stops it, in whichever tab it runs', async ({ open, server }) => {
    const [one, two] = [await open(), await open()];
    for (const tab of [one, two]) {
      const file = await serve(server, { holdAfterBytes: 1_500_000 });
      const running = fetchFrom(one, file.wish);
      await server.held(file.path);
      unwrap(await tab.delete(file.sha256));
      failsWith(await running, 'paused');
      await holdsNothing(one);
      await server.release(file.path);
    }
  }),

  rule('an unfinished download is forgotten by its address; a finished one is not', async ({ open, server }) => {
    const store = await open();
    const done = await serve(server);
    unwrap(await fetchFrom(store, unpinned(done)));
    const file = await serve(server, { holdAfterBytes: 1_500_000 });
    await (await fetchUntilHeld(store, file.wish, 1_500_000)).pause();
    unwrap(await store.forget(server.urlOf('/nowhere')));
    same(unwrap(await store.unfinished()).length, 1, 'unfinished files');
    for (const { wish } of [file, done]) unwrap(await store.forget(wish.url));
    same(unwrap(await store.unfinished()), [], 'unfinished files');
    same((await store.usage()).usedBytes, SIZE, 'used bytes');
    await holds(store, done);
  }),
];
