import { expect, test } from 'vitest';
import { cidOf } from '#core/base/canonical';
import { createEmitter } from '#core/base/events';
import { fail, ok } from '#core/base/result';
import type { Bus } from '#core/bus/bus';
import { MAX_LOGS_HELD, type Ledger, type LedgerChange } from '#core/ledger/ledger';
import type { Links } from '#core/transport/ports';
import { ledgerHeads, MAX_HEADS } from '#services/ledger-heads/contract';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock } from '#tests/fakes/virtual-clock';
import { startLedgerExchange } from './exchange';

const [SELF, PEER] = ['a'.repeat(64), 'b'.repeat(64)];

/** An exchange of a node with a log of so many entries that knows of no others. */
function exchangeOver(
  bus: Bus,
  { length = 0, bytesOf }: { readonly length?: number; readonly bytesOf?: Ledger['bytesOf'] } = {},
) {
  const ledger = {
    author: SELF,
    proofs: [],
    changed: createEmitter<LedgerChange>(),
    heads: () => [],
    head: { length },
    bytesOf,
    state: { bannedFrom: new Map() },
  } as unknown as Ledger;
  return startLedgerExchange({
    ledger,
    bus,
    links: { all: [], to: () => null, events: createEmitter() } as unknown as Links,
    clock: createVirtualClock(),
    chance: createSeededChance(1),
    beginning: { from: async () => {}, fill: async () => {}, stop: () => {} },
  });
}

/** How often a peer is asked for heads that says each time that there are more; the authors of a page by its number. */
async function pagesAsked(authorsOf: (page: number) => readonly string[]): Promise<number> {
  let asked = 0;
  const bus = {
    async call({ id }: { readonly id: string }) {
      if (id !== ledgerHeads.id) return fail('no_answer', 'Nothing more is told.');
      const heads = authorsOf(asked++).map((author) => ({ author, length: 1, id: cidOf(new Uint8Array(1)) }));
      // So that a test of a node that does not see through it comes to an end.
      return asked > 100 ? fail('no_answer', 'Enough.') : ok({ heads, more: true });
    },
  } as unknown as Bus;
  const exchange = exchangeOver(bus);
  await exchange.compare(PEER);
  exchange.stop();
  return asked;
}

test('a peer that goes round in circles with what it holds is compared with once', async () => {
  expect(await pagesAsked(() => ['c'.repeat(64), 'd'.repeat(64)])).toBe(2);
});

test('a peer that makes up further authors is asked for no more than a node may hold', async () => {
  const page = (at: number) =>
    Array.from({ length: MAX_HEADS }, (_, index) => (at * MAX_HEADS + index).toString(16).padStart(64, '0'));
  expect(await pagesAsked(page)).toBe(MAX_LOGS_HELD / MAX_HEADS);
});

test('a peer is brought the log although it broke once', async () => {
  let reads = 0;
  const bytesOf: Ledger['bytesOf'] = async () => {
    reads += 1;
    if (reads === 1) throw new Error('a fault of ours');
    return ok([new Uint8Array(1)]);
  };
  const bus = { call: async () => ok({ length: 1 }) } as unknown as Bus;
  const exchange = exchangeOver(bus, { length: 1, bytesOf });
  await expect(exchange.bring(PEER)).rejects.toThrow('a fault of ours');
  expect(await exchange.bring(PEER)).toEqual(ok(undefined));
  exchange.stop();
});
