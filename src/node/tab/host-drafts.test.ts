import { describe, expect, test } from 'vitest';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-noble';
import { utf8 } from '#core/base/bytes';
import { cidOf, encodeCanonical, sha256 } from '#core/base/canonical';
import { unwrap } from '#core/base/result';
import type { DeviceMeasure } from '#core/engines/device-measure';
import { createAdvertisement, openAdvertisement } from '#core/ledger/cards/host-advertisement';
import { createNodeCard, openNodeCard } from '#core/ledger/cards/node-card';
import { cardFor, manifest, resultOf } from '#tests/fakes/admission-input';
import { advertisementDraft, nodeCardDraft, type HostFacts } from './host-drafts';

const verify = createVerify();
const self = createSeedSigner(sha256(utf8('self')));
const NOW = 1_800_000_000_000;
const card = {
  ...cardFor(resultOf('target', 50, 60), resultOf('general', 30, 30)),
  id: cidOf(encodeCanonical('card')),
};
const measure: DeviceMeasure = {
  v: 1,
  device: {
    graphics: {
      vendor: 'acme',
      architecture: 'anvil',
      software: false,
      features: [],
      maxBufferBytes: 4 * 1024 ** 3,
      maxBindingBytes: 2 * 1024 ** 3,
      maxWorkgroupBytes: 32_768,
      maxBuffersPerStage: 10,
    },
    phone: false,
    cores: 8,
    memoryHintGb: 32,
  },
  measured: { on: 'webgpu', gflops: 4_000, gigabytesPerSecond: 400 },
};
const facts = (change: Partial<HostFacts> = {}): HostFacts => ({
  self: self.nodeId,
  identity: null,
  offered: ['node.ping@1', 'job.run@1', 'echo@1', 'check.redo@1', 'llm.chat@1', 'check.rescore@1'],
  work: ['llm.chat@1', 'echo@1', 'text_stats@1'],
  served: { card, manifest },
  measure,
  memoryGb: 8,
  downlinkMbps: 9.7,
  timeZone: 'Europe/Berlin',
  settings: { hours: null, rateMicros: null, minimumJobMicros: 0 },
  at: NOW,
  ...change,
});
const draftOf = (change: Partial<HostFacts> = {}) => nodeCardDraft(facts(change))!;

describe('the card of this node', () => {
  test('says what the device was measured at, and no more of where it is than the continent', () => {
    const { capacity, locality } = draftOf();
    expect(capacity).toEqual({
      deviceClass: '16-gb',
      gpuCount: 1,
      gpuMemoryMib: 4_096,
      memoryGb: 32,
      bandwidthMbps: 9,
      maxConcurrentJobs: 8,
      uptimeWindowHours: 24,
      decodeMilliTokensPerS: 50_000,
    });
    expect(locality).toEqual({ bucket: 'europe', jurisdictionHint: null, exactLocationDisclosed: false });
    expect(JSON.stringify(draftOf())).not.toContain('Berlin');
  });

  test('claims nothing that was not measured', () => {
    const { capacity, locality } = draftOf({
      measure: null,
      memoryGb: null,
      downlinkMbps: null,
      timeZone: null,
      served: null,
    });
    expect(capacity).toMatchObject({
      deviceClass: 'unmeasured',
      gpuCount: 0,
      gpuMemoryMib: 0,
      memoryGb: null,
      bandwidthMbps: null,
      decodeMilliTokensPerS: null,
    });
    expect(locality.bucket).toBe('unknown');
  });

  test('counts no graphics processor that the processor stands in for', () => {
    const graphics = { ...measure.device.graphics!, software: true };
    const { capacity } = draftOf({ measure: { ...measure, device: { ...measure.device, graphics } } });
    expect(capacity).toMatchObject({ gpuCount: 0, gpuMemoryMib: 0, deviceClass: 'cpu-only' });
  });

  test.each([
    [null, 24],
    [{ from: 8, to: 22 }, 14],
    [{ from: 22, to: 6 }, 8],
    [{ from: 5, to: 5 }, 24],
  ])('with hours %o it says %i a day', (hours, said) => {
    const settings = { hours, rateMicros: null, minimumJobMicros: 0 };
    expect(draftOf({ settings }).capacity.uptimeWindowHours).toBe(said);
  });

  test('earns with what peers may call now, and demands the receipt of each', () => {
    expect(draftOf().economicPolicy.earningRoles).toEqual(['inference', 'verification']);
    expect(draftOf().receiptsRequired).toEqual([
      'inference_work_receipt',
      'verification_receipt',
      'route_trace_receipt',
      'capacity_probe_receipt',
    ]);
    const cold = draftOf({ offered: ['job.run@1', 'echo@1', 'check.redo@1'], served: null });
    expect(cold.availableRoles).toEqual(['verification']);
    expect(cold.hostPolicy.acceptedTaskClasses).toEqual(['echo@1']);
    expect(cold.receiptsRequired).toEqual(['verification_receipt', 'capacity_probe_receipt']);
  });

  test('is not made while nothing is offered that could earn', () => {
    expect(nodeCardDraft(facts({ offered: ['node.ping@1', 'receipt.sign@1'] }))).toBe(null);
  });

  test('names the person once they have an identity, and pays the node', () => {
    expect(draftOf()).toMatchObject({ owner: self.nodeId, economicPolicy: { creditAccount: self.nodeId } });
    const identity = 'b'.repeat(64);
    expect(draftOf({ identity })).toMatchObject({ owner: identity, economicPolicy: { creditAccount: self.nodeId } });
  });
});

describe('the price', () => {
  const ratesWith = (rateMicros: number | null, minimumJobMicros = 0) =>
    advertisementDraft(facts({ settings: { hours: null, rateMicros, minimumJobMicros } }))!.offer;

  test('follows the size of the model where the person says nothing, and checking costs a third', () => {
    expect(ratesWith(null).rateMicros).toEqual({ inference: 10, training: null, verification: 3 });
  });

  test('is what the person says, down to nothing', () => {
    expect(ratesWith(1_000, 500)).toMatchObject({
      rateMicros: { inference: 1_000, training: null, verification: 300 },
      minimumJobMicros: 500,
    });
    expect(ratesWith(0).rateMicros).toEqual({ inference: 0, training: null, verification: 0 });
  });

  test('is not told before the model has an expert card, or while it answers nobody', () => {
    expect(advertisementDraft(facts({ served: null }))).toBe(null);
    expect(advertisementDraft(facts({ offered: ['check.redo@1', 'echo@1'] }))).toBe(null);
  });
});

test.each<[string, Partial<HostFacts>]>([
  ['as it comes', {}],
  ['without a model', { served: null, measure: null }],
  ['for nothing', { settings: { hours: { from: 1, to: 2 }, rateMicros: 0, minimumJobMicros: 0 } }],
  ['for a lot', { settings: { hours: null, rateMicros: 1_000_000_000, minimumJobMicros: 1_000_000_000_000 } }],
  ['without redoing anything', { offered: ['job.run@1', 'llm.chat@1'] }],
])('card and offer made %s are valid for whoever opens them', async (_, change) => {
  const opened = unwrap(await openNodeCard(await createNodeCard(self, draftOf(change)), verify, NOW));
  const offered = advertisementDraft(facts(change));
  if (offered === null) return expect(opened.experts).toEqual([]);
  const signed = await createAdvertisement(self, opened, offered);
  expect(await openAdvertisement(signed, opened, verify, NOW)).toMatchObject({ ok: true });
});
