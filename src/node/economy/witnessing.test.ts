import { expect, test } from 'vitest';
import type { Bus } from '#core/bus/bus';
import type { Ledger } from '#core/ledger/ledger';
import { createEconomyWorld } from '#tests/fakes/economy-world';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import type { LedgerExchange } from './exchange';
import { createWitnessing } from './witnessing';

test('witnesses whom asking breaks are not waited for', async () => {
  const { community, verify, member } = await createEconomyWorld();
  const clock = createVirtualClock();
  const author = member('payer').nodeId;
  const witnessing = createWitnessing({
    ledger: { community, author } as unknown as Ledger,
    bus: {} as Bus,
    clock,
    verify,
    exchange: { bring: () => Promise.reject(new Error('a fault of ours')) } as unknown as LedgerExchange,
    links: { reach: async () => true },
  });
  const began = clock.monotonicMs();
  const asked = witnessing.certifyHead({ author, seq: 0, id: 'entry' }, witnessing.setFor(author, null));
  expect(await clock.runUntil(asked)).toEqual({ statements: [], complete: false });
  expect([clock.monotonicMs() - began, clock.waiting]).toEqual([0, 0]);
});
