import { describe, expect, test } from 'vitest';
import type { HostView, OfferView } from '#node/tab/host-views';
import { credits, hostFacts, inCredits, microsOf, offerFacts, pricePerThousand } from './hosts';

const NOW = Date.UTC(2027, 0, 1);
const HOUR_MS = 60 * 60_000;

const offer: OfferView = {
  id: 'bafyreia',
  expert: 'spark-1',
  modelHash: '1'.repeat(64),
  rates: [
    { role: 'inference', rateMicros: 17 },
    { role: 'verification', rateMicros: 0 },
  ],
  minimumJobMicros: 0,
  maxConcurrentJobs: 8,
  taskClasses: ['llm.chat@1'],
  sandboxProfile: 'web-worker',
  receipts: ['inference_work_receipt', 'route_trace_receipt'],
  validUntil: NOW + HOUR_MS,
  expertCard: { writesPerS: 61.8, licence: 'MIT', evaluated: false },
};
const host: HostView = {
  nodeId: 'a'.repeat(64),
  cardId: 'bafyreib',
  owner: null,
  roles: [
    { role: 'inference', earns: true },
    { role: 'verification', earns: true },
  ],
  capacity: {
    deviceClass: 'unmeasured',
    gpuCount: 0,
    gpuMemoryMib: 0,
    memoryGb: null,
    bandwidthMbps: null,
    maxConcurrentJobs: 8,
    uptimeWindowHours: 24,
    decodeMilliTokensPerS: null,
  },
  locality: 'unknown',
  taskClasses: ['llm.chat@1', 'echo@1'],
  promptPrivacy: 'private_prohibited',
  receipts: ['inference_work_receipt', 'capacity_probe_receipt'],
  resaleAllowed: false,
  signedAt: NOW,
  validUntil: NOW + 24 * HOUR_MS,
  offers: [offer],
  refused: [],
};
const valueOf = (facts: readonly { label: string; value: string }[], label: string) =>
  facts.find((fact) => fact.label === label)?.value;

describe('money', () => {
  test.each([
    [0, 'nothing'],
    [1, '0.000001 credits'],
    [17_000, '0.017 credits'],
    [1_000_000, '1 credit'],
    [1_234_567_890, '1,234.56789 credits'],
  ])('of %i micros is said as %s', (micros, words) => expect(credits(micros)).toBe(words));

  test('per token is said per thousand, and nothing as free', () => {
    expect([17, 80_000, 0].map(pricePerThousand)).toEqual([
      '0.017 credits per 1,000 tokens',
      '80 credits per 1,000 tokens',
      'free',
    ]);
  });

  test('goes into a field and comes back the same', () => {
    for (const micros of [0, 1, 17_000, 333_333, 1_000_000, 999_999_999])
      expect(microsOf(inCredits(micros))).toBe(micros);
  });

  test('that is no price comes back as none', () => {
    expect(['', ' ', '-1', 'free', 'NaN', '1e999'].map(microsOf)).toEqual([null, null, null, null, null, null]);
  });
});

describe('a card', () => {
  test('that knows little says so', () => {
    const facts = hostFacts(host, NOW);
    expect(valueOf(facts, 'Roles')).toBe('Earns with answers and checks');
    expect(valueOf(facts, 'Device')).toBe('not measured');
    expect(valueOf(facts, 'Speed')).toBe('not measured');
    expect(valueOf(facts, 'Where')).toBe('not told');
    expect(valueOf(facts, 'At once')).toBe('8 jobs, 24 hours a day');
    expect(valueOf(facts, 'Whose')).toBe('Names nobody');
    expect(valueOf(facts, 'Receipts it requires')).toBe('inference work receipt and capacity probe receipt');
    expect(valueOf(facts, 'Valid until')).toMatch(/in 1 day$/);
  });

  test('that was measured says what was found', () => {
    const capacity = {
      ...host.capacity,
      deviceClass: '16-gb' as const,
      gpuCount: 1,
      gpuMemoryMib: 4_096,
      memoryGb: 32,
      bandwidthMbps: 10,
      decodeMilliTokensPerS: 52_400,
    };
    const facts = hostFacts({ ...host, capacity, locality: 'europe' }, NOW);
    expect(valueOf(facts, 'Device')).toBe(
      'computer with a graphics card of about 16 GB; at least 4,096 MiB of graphics memory; 32 GB of memory or more',
    );
    expect(valueOf(facts, 'Speed')).toBe('writes 52 tokens/s');
    expect(valueOf(facts, 'At once')).toBe('8 jobs, 24 hours a day; a line of about 10 Mbit/s');
    expect(valueOf(facts, 'Where')).toBe('Europe');
  });

  test('tells an owner that is borne out from one that is only said', () => {
    const owner = { id: 'b'.repeat(64), proven: true };
    expect(valueOf(hostFacts({ ...host, owner }, NOW), 'Whose')).toMatch(/^Certified by /);
    expect(valueOf(hostFacts({ ...host, owner: { ...owner, proven: false } }, NOW), 'Whose')).toMatch(/no certificate/);
  });
});

test('an offer says each price, what is free, and what its expert was measured at', () => {
  const facts = offerFacts(offer, NOW);
  expect(valueOf(facts, 'An answer')).toBe('0.017 credits per 1,000 tokens');
  expect(valueOf(facts, 'A check')).toBe('free');
  expect(valueOf(facts, 'A job at least')).toBe('nothing');
  expect(valueOf(facts, 'Expert card')).toBe('writes 62 tokens/s; not evaluated yet; MIT');
  expect(valueOf(facts, 'Valid until')).toMatch(/in 1 hour$/);
  expect(valueOf(offerFacts({ ...offer, expertCard: null }, NOW), 'Expert card')).toBe('Named, but not shown');
});
