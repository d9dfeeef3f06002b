import { afterAll, beforeAll, describe, test } from 'vitest';
import { createStoreMemory } from '#adapters/engine-store-memory';
import type { Clock } from '#core/base/ports';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { startModelServer, type ModelServer } from '#tests/fakes/model-server';
import { modelServerAt } from '#tests/fakes/model-server-client';
import { modelStoreCases } from './model-store';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

/** What a download waits for is over at once, but for silence: that never falls here. */
const hasty: Pick<Clock, 'after'> = {
  after(delayMs, run) {
    if (delayMs >= 30_000) return () => {};
    const handle = setImmediate(run);
    return () => clearImmediate(handle);
  },
};

describe('model store in memory', () => {
  test.each(modelStoreCases)('$name', async ({ run }) => {
    const clock: Clock = { now: () => 0, monotonicMs: () => 0, every: () => () => {}, ...hasty };
    const memory = createStoreMemory({ clock, chance: createSeededChance(1), fetch });
    await run({
      open: async () => memory.open(),
      server: modelServerAt(server.origin),
      deadUrl: 'http://127.0.0.1:1/file.bin',
    });
  });
});
