import { describe, it } from 'vitest';
import { createMemoryWorld } from '#adapters/transport-memory/memory-world';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { hex } from '#core/base/bytes';
import { transportCases, type TransportWorld } from './transport';

function memoryWorld(): TransportWorld {
  const clock = createVirtualClock();
  const chance = createSeededChance(3);
  const world = createMemoryWorld({ clock, chance, latencyMs: { min: 1, max: 30 } });
  return {
    network: async () => world.network(hex(chance.bytes(32))),
    absentId: 'f'.repeat(64),
    until: (promise) => clock.runUntil(promise, 30_000),
    room: () => hex(chance.bytes(8)),
  };
}

describe('transport over memory', () => {
  it.each(transportCases)('$name', ({ run }) => run(memoryWorld()));
});
