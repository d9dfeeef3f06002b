import { unwrap } from '#core/base/result';
import { PIECE_BYTES, type FetchProgress } from '#core/engines/model-store';
import {
  expect,
  failsWith,
  fetchCutting,
  fetchFrom,
  fetchUntilHeld,
  holds,
  holdsNothing,
  type ModelStoreCase,
  never,
  pieceHashesOf,
  rule,
  same,
  sentAtMost,
  serve,
  SIZE,
  STEP_BYTES,
  unpinned,
} from './model-store-case';

/** How a file comes: over broken lines, from servers that lie, in one piece or not at all. */
export const downloadCases: readonly ModelStoreCase[] = [
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
    await (await fetchUntilHeld(store, server, file, 1_500_000)).pause();
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
    await (await fetchUntilHeld(store, server, { path: old.path, wish: unpinned(old) }, 2_000_000)).pause();
    const changed = await serve(server, { path: old.path, seed: 1_000_000 });
    same(unwrap(await fetchFrom(store, unpinned(changed))).sha256, changed.sha256, 'name');
    await holds(store, changed);
  }),

  rule('a pinned file that changed is refused', async ({ open, server }) => {
    const store = await open();
    const old = await serve(server, { holdAfterBytes: 2_000_000 });
    await (await fetchUntilHeld(store, server, old, 2_000_000)).pause();
    await serve(server, { path: old.path, seed: 1_000_001 });
    failsWith(await fetchFrom(store, old.wish), 'hash_mismatch');
    await holdsNothing(store);
  }),

  rule('a file that became shorter than what came of it is begun again', async ({ open, server }) => {
    const store = await open();
    const old = await serve(server, { holdAfterBytes: 2_000_000, validator: 'date', lengthless: true });
    await (await fetchUntilHeld(store, server, { path: old.path, wish: unpinned(old) }, 2_000_000)).pause();
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
];
