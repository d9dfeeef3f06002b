import { unwrap } from '#core/base/result';
import { PIECE_BYTES } from '#core/engines/model-store';
import {
  expect,
  failsWith,
  fetchFrom,
  fetchUntilHeld,
  holds,
  holdsNothing,
  lastSeed,
  type ModelStoreCase,
  never,
  pieceHashesOf,
  rule,
  same,
  sentAtMost,
  serve,
  type Served,
  SIZE,
  STEP_BYTES,
  unpinned,
} from './model-store-case';
import { downloadCases } from './model-store-downloads';

/** How files are named, shared between tabs, imported, read and deleted. */
const keepingCases: readonly ModelStoreCase[] = [
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
    await server.serve({ path: right.path, seed: lastSeed(), sizeBytes: SIZE, hubWord: right.sha256 });
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
    const first = await fetchUntilHeld(one, server, file, 1_500_000);
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
    const running: ReturnType<typeof fetchFrom>[] = [];
    for (const [n, { wish, path }] of files.entries()) {
      running.push(fetchFrom(store, wish, n === 5 ? leaving.signal : never));
      // One after the other: of several at once chance decides which find room.
      if (n < 4) await server.held(path);
    }
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
    await (await fetchUntilHeld(store, server, file, 1_500_000)).pause();
    unwrap(await store.forget(server.urlOf('/nowhere')));
    same(unwrap(await store.unfinished()).length, 1, 'unfinished files');
    for (const { wish } of [file, done]) unwrap(await store.forget(wish.url));
    same(unwrap(await store.unfinished()), [], 'unfinished files');
    same((await store.usage()).usedBytes, SIZE, 'used bytes');
    await holds(store, done);
  }),
];

/** What every model store promises; see `ModelStore`. Cases throw an Error that says what was broken. */
export const modelStoreCases: readonly ModelStoreCase[] = [...downloadCases, ...keepingCases];
