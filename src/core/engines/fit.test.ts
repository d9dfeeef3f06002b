import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeviceFacts, Graphics, MeasuredSpeed } from './device-measure';
import { estimatedPace, fitOf, GRADES, type Grade, type ModelRoom } from './fit';
import type { ModelManifest } from './model-manifest';

const GB = 1e9;
const MIB = 1024 ** 2;

const chat: ModelManifest = {
  id: 'half-billion',
  name: 'Half a billion',
  family: 'test',
  version: '1',
  engine: 'web-llm',
  tasks: ['chat'],
  parameters: 500_000_000,
  quantisation: 'q4f32_1',
  source: { kind: 'hub', repository: 'people/model', revision: 'main' },
  files: [
    { path: 'engine.wasm', sha256: null, sizeBytes: 5_000_000 },
    { path: 'params_shard_0.bin', sha256: null, sizeBytes: 300_000_000 },
  ],
  library: 'engine.wasm',
  licence: { name: 'MIT' },
  memoryBytes: 1 * GB,
  features: [],
  contextTokens: 4_096,
  chatTemplate: 'tokenizer',
  temperaturePercent: 70,
};
const onProcessor: ModelManifest = { ...chat, engine: 'transformers', quantisation: 'q8' };

const graphics: Graphics = {
  vendor: 'maker',
  architecture: 'kind',
  software: false,
  features: ['shader-f16'],
  maxBufferBytes: 4_096 * MIB,
  maxBindingBytes: 2_048 * MIB,
  maxWorkgroupBytes: 32_768,
  maxBuffersPerStage: 10,
};
const desktop: DeviceFacts = { graphics, phone: false, cores: 8, memoryHintGb: 8 };
const plain: DeviceFacts = { ...desktop, graphics: null };
const fast: MeasuredSpeed = { on: 'webgpu', gflops: 2_000, gigabytesPerSecond: 200 };
const room: ModelRoom = { freeBytes: 50 * GB };

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never;
const worse = (a: Grade, b: Grade): boolean => GRADES.indexOf(a) > GRADES.indexOf(b);

describe('the fit of a model', () => {
  test('is comfortable where adapter, memory, disk and speed are', () => {
    const fit = fitOf(chat, desktop, fast, room);
    expect(fit).toMatchObject({ grade: 'comfortable', overridable: true });
    expect(fit.reasons).toEqual([
      'It needs about 1 GB of memory while it runs; this device has 8 GB or more.',
      '305 MB are to be downloaded; this browser has room for 50 GB.',
      expect.stringMatching(/^About 1\d\d tokens a second on this device/),
    ]);
  });

  test('is out of the question for web-llm without WebGPU, and nobody can override that', () => {
    const fit = fitOf(chat, plain, null, room);
    expect(fit).toMatchObject({ grade: 'will-not-fit', overridable: false });
    expect(fit.reasons[0]).toMatch(/graphics card alone/);
  });

  test('is out of the question without a feature that is needed, named or implied by 16-bit weights', () => {
    const without = { ...desktop, graphics: { ...graphics, features: [] } };
    for (const manifest of [
      { ...chat, features: ['shader-f16'] },
      { ...chat, quantisation: 'q4f16_1' },
      { ...onProcessor, quantisation: 'q4f16' },
    ]) {
      expect(fitOf(manifest, without, fast, room)).toMatchObject({ grade: 'will-not-fit', overridable: false });
      expect(fitOf(manifest, desktop, fast, room).grade).toBe('comfortable');
    }
  });

  test('of a part that the adapter cannot hold in one piece is out of the question', () => {
    const narrow = { ...desktop, graphics: { ...graphics, maxBindingBytes: 256 * MIB } };
    expect(fitOf(chat, narrow, fast, room)).toMatchObject({ grade: 'will-not-fit', overridable: false });
    expect(fitOf(chat, narrow, fast, room).reasons[0]).toBe(
      'One part of it takes 300 MB, and the graphics card gives pages at most 268 MB in one piece.',
    );
  });

  test.each([
    ['maxBufferBytes', 255 * MIB],
    ['maxBindingBytes', 127 * MIB],
    ['maxWorkgroupBytes', 16_384],
    ['maxBuffersPerStage', 8],
  ] as const)('for web-llm needs %s above its minimum', (limit, value) => {
    const weak = { ...desktop, graphics: { ...graphics, [limit]: value } };
    expect(fitOf(chat, weak, fast, room)).toMatchObject({ grade: 'will-not-fit', overridable: false });
    expect(fitOf({ ...onProcessor }, weak, fast, room).grade).toBe('comfortable');
  });

  test('on a software adapter is bad, and the person may try it all the same', () => {
    const stand = { ...desktop, graphics: { ...graphics, software: true } };
    expect(fitOf(chat, stand, null, room)).toMatchObject({ grade: 'will-not-fit', overridable: true });
  });

  test('without a word of the browser about memory is tight for all but small models', () => {
    const silent = { ...desktop, memoryHintGb: null };
    expect(fitOf(chat, silent, fast, room).grade).toBe('tight');
    expect(fitOf({ ...chat, memoryBytes: 400_000_000 }, silent, fast, room).grade).toBe('comfortable');
  });

  test('on a phone counts with what a phone gives one page', () => {
    const phone = { ...desktop, phone: true };
    const grades = [0.5, 1, 2].map((gb) => fitOf({ ...chat, memoryBytes: gb * GB }, phone, fast, room).grade);
    expect(grades).toEqual(['comfortable', 'tight', 'will-not-fit']);
  });

  test('never fails by a hint at which browsers stop counting', () => {
    const large = { ...chat, memoryBytes: 20 * GB };
    expect(fitOf(large, { ...desktop, memoryHintGb: 4 }, fast, room).grade).toBe('will-not-fit');
    expect(fitOf(large, { ...desktop, memoryHintGb: 8 }, fast, room).grade).toBe('tight');
  });

  test('is bounded by the heap of WebAssembly where the processor computes', () => {
    const large = { ...onProcessor, memoryBytes: 5 * GB };
    expect(fitOf(large, { ...plain, memoryHintGb: 32 }, null, room)).toMatchObject({
      grade: 'will-not-fit',
      overridable: false,
    });
    expect(fitOf(large, { ...desktop, memoryHintGb: 32 }, null, room).grade).toBe('comfortable');
  });

  test('counts only what is still to be downloaded, and says when that is an estimate', () => {
    const grades = [0.3, 0.35, 1].map((gb) => fitOf(chat, desktop, fast, { freeBytes: gb * GB }).grade);
    expect(grades).toEqual(['will-not-fit', 'tight', 'comfortable']);
    expect(fitOf(chat, desktop, fast, { freeBytes: 0, storedBytes: 305_000_000 }).grade).toBe('comfortable');
    const unpinned = { ...chat, files: [{ path: 'engine.wasm', sha256: null, sizeBytes: null }] };
    expect(fitOf({ ...unpinned, approximateBytes: 320_000_000 }, desktop, fast, room).reasons).toContain(
      'About 320 MB is to be downloaded; this browser has room for 50 GB.',
    );
    expect(fitOf(unpinned, desktop, fast, { freeBytes: 0.2 * GB }).grade).toBe('will-not-fit');
  });

  test('goes by a rule of thumb where the processor computes and nothing was measured', () => {
    const grades = [0.5e9, 1.5e9, 4e9].map(
      (parameters) => fitOf({ ...onProcessor, parameters }, plain, null, room).grade,
    );
    expect(grades).toEqual(['comfortable', 'tight', 'will-not-fit']);
  });

  test('goes by the measured speed, and not by one measured elsewhere', () => {
    const at = (gigabytesPerSecond: number, on: MeasuredSpeed['on'] = 'wasm') =>
      fitOf(onProcessor, plain, { on, gflops: 100, gigabytesPerSecond }, room).grade;
    expect([10, 3, 0.5].map((speed) => at(speed))).toEqual(['comfortable', 'tight', 'will-not-fit']);
    expect(at(0.5, 'webgpu')).toBe('comfortable');
  });

  test('of a model for embedding counts texts, not tokens', () => {
    const embed = { ...onProcessor, tasks: ['embed' as const], parameters: 22_000_000 };
    const speed = { on: 'wasm', gflops: 10, gigabytesPerSecond: 5 } as const;
    expect(estimatedPace(embed, speed)).toBeCloseTo(0.89, 1);
    expect(fitOf(embed, plain, speed, room).reasons.join(' ')).toContain('short texts a second');
  });
});

/** Most drawn devices have a reason that outweighs the one in question: enough are drawn that many have none. */
const RUNS = { numRuns: 2_000 };

describe('for any model and device', () => {
  const manifests = fc.record({
    engine: fc.constantFrom('web-llm' as const, 'transformers' as const),
    quantisation: fc.constantFrom<string>('q4f16_1', 'q4f32_1', 'q8', 'q4', 'fp32'),
    tasks: fc.constantFrom<ModelManifest['tasks']>(['chat'], ['embed']),
    parameters: fc.integer({ min: 1_000_000, max: 20_000_000_000 }),
    memoryBytes: fc.oneof(
      fc.integer({ min: 1_000_000, max: 4_000_000_000 }),
      fc.integer({ min: 1, max: 20_000_000_000 }),
    ),
    features: fc.oneof(fc.constant<string[]>([]), fc.subarray<string>(['shader-f16', 'subgroups'])),
  });
  const limit = (values: number[]) => fc.constantFrom(...values);
  const adapters = fc.option(
    fc.record({
      software: fc.boolean(),
      features: fc.subarray<string>(['shader-f16', 'subgroups', 'timestamp-query']),
      maxBufferBytes: limit([128 * MIB, 256 * MIB, 4_096 * MIB]),
      maxBindingBytes: limit([64 * MIB, 128 * MIB, 2_048 * MIB]),
      maxWorkgroupBytes: limit([16_384, 32_768]),
      maxBuffersPerStage: limit([8, 10]),
    }),
    { nil: null },
  );
  const devices = fc.record({
    graphics: adapters,
    phone: fc.boolean(),
    memoryHintGb: fc.constantFrom(null, 0.5, 1, 2, 4, 8, 16, 32),
  });
  const speeds = fc.option(
    fc.record({
      on: fc.constantFrom('webgpu' as const, 'wasm' as const),
      gflops: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50_000 })),
      gigabytesPerSecond: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3_000 })),
    }),
    { nil: null },
  );
  const rooms = fc.record({ freeBytes: fc.option(fc.integer({ min: 0, max: 100_000_000_000 }), { nil: null }) });
  const facts = (device: Drawn<typeof devices>): DeviceFacts => ({
    ...desktop,
    ...device,
    graphics: device.graphics && { ...graphics, ...device.graphics },
  });
  const model = (drawn: Drawn<typeof manifests>): ModelManifest => ({ ...chat, ...drawn });

  test('more memory never makes the fit worse', () => {
    const hints = fc
      .tuple(fc.constantFrom(0.5, 1, 2, 4, 8, 16), fc.constantFrom(1, 2, 4))
      .map(([low, by]) => [low, low * by] as const);
    fc.assert(
      fc.property(manifests, devices, speeds, rooms, hints, (drawn, device, speed, free, [low, high]) => {
        const at = (memoryHintGb: number) => fitOf(model(drawn), { ...facts(device), memoryHintGb }, speed, free).grade;
        return !worse(at(high), at(low));
      }),
      RUNS,
    );
  });

  test('more room, more speed, higher limits and more features never make the fit worse', () => {
    fc.assert(
      fc.property(
        manifests,
        devices,
        speeds,
        fc.nat(1e11),
        fc.nat(1e11),
        fc.double({ min: 1, max: 50, noNaN: true }),
        (drawn, device, speed, free, more, times) => {
          const before = fitOf(model(drawn), facts(device), speed, { freeBytes: free }).grade;
          const better: DeviceFacts = {
            ...facts(device),
            graphics: device.graphics && {
              ...graphics,
              ...device.graphics,
              features: ['shader-f16', 'subgroups', 'timestamp-query'],
              maxBufferBytes: device.graphics.maxBufferBytes * times,
              maxBindingBytes: device.graphics.maxBindingBytes * times,
              maxWorkgroupBytes: device.graphics.maxWorkgroupBytes * times,
              maxBuffersPerStage: device.graphics.maxBuffersPerStage * times,
            },
          };
          const faster = speed && {
            ...speed,
            gflops: speed.gflops * times,
            gigabytesPerSecond: speed.gigabytesPerSecond * times,
          };
          return !worse(fitOf(model(drawn), better, faster, { freeBytes: free + more }).grade, before);
        },
      ),
      RUNS,
    );
  });

  test('a missing feature is never comfortable and never overridable', () => {
    fc.assert(
      fc.property(manifests, devices, speeds, rooms, (drawn, device, speed, free) => {
        const has = device.graphics?.features ?? [];
        fc.pre(drawn.features.some((feature) => !has.includes(feature)));
        const fit = fitOf(model(drawn), facts(device), speed, free);
        return fit.grade === 'will-not-fit' && !fit.overridable;
      }),
      RUNS,
    );
  });

  test('there is always a reason, and every reason is a sentence', () => {
    fc.assert(
      fc.property(manifests, devices, speeds, rooms, (drawn, device, speed, free) => {
        const { reasons } = fitOf(model(drawn), facts(device), speed, free);
        expect(reasons.length).toBeGreaterThan(0);
        for (const reason of reasons) expect(reason).toMatch(/^[A-Z0-9][^\n]*[^.]\.$/);
        expect(reasons.join(' ')).not.toMatch(/NaN|Infinity|undefined|null/);
      }),
      RUNS,
    );
  });
});
