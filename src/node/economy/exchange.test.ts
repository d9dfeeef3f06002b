import { expect, test } from 'vitest';
import { cidOf } from '#core/base/canonical';
import { createEmitter } from '#core/base/events';
import { fail, ok } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import type { Ledger, LedgerChange } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
import { ledgerHeads } from '#services/ledger-heads/contract';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { startLedgerExchange } from './exchange';

const [SELF, PEER] = ['a'.repeat(64), 'b'.repeat(64)];

test('a peer that goes round in circles with what it holds is compared with once', async () => {
  let asked = 0;
  const heads = ['c', 'd'].map((digit) => ({ author: digit.repeat(64), length: 1, id: cidOf(new Uint8Array(1)) }));
  const bus = {
    async call({ id }: { readonly id: string }) {
      if (id !== ledgerHeads.id) return fail('no_answer', 'Nothing more is told.');
      asked += 1;
      // So that a test of a node that does not see through it comes to an end.
      return asked > 100 ? fail('no_answer', 'Enough.') : ok({ heads, more: true });
    },
  } as unknown as Bus;
  const ledger = {
    author: SELF,
    proofs: [],
    changed: createEmitter<LedgerChange>(),
    heads: () => [],
    head: { length: 0 },
    state: { bannedFrom: new Map() },
  } as unknown as Ledger;
  const exchange = startLedgerExchange({
    ledger,
    bus,
    links: { all: [], to: () => null, events: createEmitter() } as unknown as Links,
    clock: createVirtualClock(),
    chance: createSeededChance(1),
    beginning: { from: async () => {}, fill: async () => {}, stop: () => {} },
  });
  await exchange.compare(PEER);
  expect(asked).toBe(2);
  exchange.stop();
});
