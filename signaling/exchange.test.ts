import { exchangeConformance } from '#tests/conformance/exchange';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createMemoryExchange } from '#signaling/exchange';

exchangeConformance('the exchange of a single server', (limits) => {
  const exchange = createMemoryExchange(createSeededChance(7), limits);
  return [exchange, exchange];
});
