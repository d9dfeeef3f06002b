import { describe, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { PIECE_BYTES, type ModelStore } from '#core/engines/model-store';
import {
  SIZE,
  CHUNK_BYTES,
  content,
  sha,
  wish,
  unnamed,
  createLine,
  storeOver,
  fetchWith,
  alive,
  recover,
  eventually,
} from '#tests/fakes/model-line';
import { createMortalDisk, type Death, type MortalDisk } from '#tests/fakes/mortal-disk';

/** A new store leaves bytes only where there is a file. */
async function swept(disk: MortalDisk): Promise<void> {
  const has = await storeOver(alive(disk), createLine().fetch).has(sha);
  await eventually(() => disk.paths.some((path) => path.startsWith('bytes/')) === has);
}

/** Runs `act` once for every change that it makes to the disk, dying in the midst of that change. */
async function dieEverywhere(
  death: Death,
  act: (store: ModelStore) => Promise<unknown>,
  after: (disk: MortalDisk, receivedBytes: number, changes: number) => Promise<void>,
  served = content,
): Promise<number> {
  for (let changes = 0; ; changes++) {
    const disk = createMortalDisk();
    const line = createLine(served);
    const done = act(storeOver(disk.until(changes, death), line.fetch)).then(() => true);
    const survived = await Promise.race([done, disk.died.then(() => false)]);
    await done.catch(() => {});
    if (survived) return changes;
    await after(disk, line.receivedBytes, changes);
  }
}

describe('whatever moment a tab dies at', () => {
  for (const death of ['tab', 'system'] as const) {
    it(`a download loses one piece at most when the ${death} dies`, async () => {
      const moments = await dieEverywhere(
        death,
        (store) => fetchWith(store, wish),
        async (disk, receivedBytes) => {
          const again = await recover(disk, wish);
          expect(again).toBeLessThanOrEqual(SIZE - receivedBytes + PIECE_BYTES + CHUNK_BYTES);
        },
      );
      expect(moments).toBeGreaterThan(15);
    });

    it(`an unpinned download is recovered when the ${death} dies`, async () => {
      await dieEverywhere(
        death,
        (store) => fetchWith(store, unnamed),
        async (disk, receivedBytes) => {
          const again = await recover(disk, unnamed);
          expect(again).toBeLessThanOrEqual(SIZE - receivedBytes + PIECE_BYTES + CHUNK_BYTES);
        },
      );
    });

    it(`an import leaves the file or nothing when the ${death} dies`, async () => {
      await dieEverywhere(
        death,
        (store) => store.import(new Blob([content]), sha),
        async (disk) => {
          await swept(disk);
          await recover(disk, wish);
        },
      );
    });

    it(`a wrong file never gets a name when the ${death} dies`, async () => {
      const wrong = content.slice();
      wrong[1_500_000]! ^= 1;
      await dieEverywhere(
        death,
        (store) => fetchWith(store, wish),
        async (disk) => {
          const store = storeOver(alive(disk), createLine(wrong).fetch);
          expect(unwrap(await store.list())).toEqual([]);
          expect((await fetchWith(store, wish)).ok).toBe(false);
          expect(unwrap(await store.list())).toEqual([]);
        },
        wrong,
      );
    });

    it(`a deletion leaves the file or nothing when the ${death} dies`, async () => {
      const whole = createMortalDisk();
      unwrap(await fetchWith(storeOver(alive(whole), createLine().fetch), wish));
      for (let changes = 0; ; changes++) {
        const disk = createMortalDisk();
        for (const path of whole.paths) disk.put(path, whole.fileAt(path)!.slice());
        const store = storeOver(disk.until(changes, death), createLine().fetch);
        if ((await store.delete(sha)).ok) break;
        await swept(disk);
        await recover(disk, wish);
      }
    });
  }
});
