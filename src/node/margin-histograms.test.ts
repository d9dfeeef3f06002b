import { expect, test } from 'vitest';
import { openMemoryStorage } from '#adapters/storage-memory';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { createMarginHistograms } from './margin-histograms';

test('margins are counted by engine and pair of devices, and the next start goes on counting', async () => {
  const { records } = await openMemoryStorage();
  const clock = createVirtualClock();
  const first = createMarginHistograms(records, clock);
  first.note('a', 'b', {
    engine: 'transformers/wasm',
    margins: [
      [0, 0],
      [1, 0],
      [2, 255],
    ],
  });
  first.note('b', 'a', { engine: 'transformers/wasm', margins: [[0, 7]] });
  first.note('a', 'b', { engine: 'transformers/webgpu', margins: [] });
  await clock.advance(5_000);

  const second = createMarginHistograms(records, clock);
  second.note('a', 'b', { engine: 'transformers/wasm', margins: [[0, 0]] });
  const counted = (await second.all()).map(({ engine, executorClass, validatorClass, counts }) => ({
    pair: `${engine} ${executorClass} ${validatorClass}`,
    counts: Object.fromEntries(counts.flatMap((count, at) => (count > 0 ? [[at, count]] : []))),
  }));
  expect(counted).toEqual([
    { pair: 'transformers/wasm a b', counts: { 0: 3, 255: 1 } },
    { pair: 'transformers/wasm b a', counts: { 7: 1 } },
  ]);
});
