import { describe, expect, test } from 'vitest';
import { checkAgainst } from '../wire/gate';
import { deviceMeasureSchema, type DeviceMeasure } from './device-measure';
import { ROLES, rolesOf, TIERS, type WhatElse } from './device-roles';

const graphics = {
  vendor: 'maker',
  architecture: 'kind',
  software: false,
  features: [],
  maxBufferBytes: 2 ** 32,
  maxBindingBytes: 2 ** 31,
  maxWorkgroupBytes: 32_768,
  maxBuffersPerStage: 10,
};
const computer: DeviceMeasure = {
  v: 1,
  device: { graphics, phone: false, cores: 8, memoryHintGb: 32 },
  measured: { on: 'webgpu', gflops: 9_000, gigabytesPerSecond: 800 },
};
const phone: DeviceMeasure = { ...computer, device: { ...computer.device, phone: true, memoryHintGb: 8 } };
const office: DeviceMeasure = { ...computer, device: { ...computer.device, graphics: null }, measured: null };
const tierOf = (measure: DeviceMeasure, else_?: WhatElse) => rolesOf(measure, else_).tier;
const suiting = (measure: DeviceMeasure, else_?: WhatElse) =>
  rolesOf(measure, else_)
    .roles.filter(({ suits }) => suits)
    .map(({ role }) => role);

describe('the tier of a device', () => {
  test('is phone for a phone, whatever graphics it has', () => {
    expect(tierOf(phone, { graphicsMemoryGb: 24 })).toBe('phone');
  });

  test('is cpu-only without a real adapter', () => {
    expect(tierOf(office)).toBe('cpu-only');
    const stand = { ...computer, device: { ...computer.device, graphics: { ...graphics, software: true } } };
    expect(tierOf(stand)).toBe('cpu-only');
  });

  test('follows what the person states of the graphics card', () => {
    expect([8, 12, 16, 20, 24, 48].map((graphicsMemoryGb) => tierOf(computer, { graphicsMemoryGb }))).toEqual([
      '12-gb',
      '12-gb',
      '16-gb',
      '16-gb',
      '24-gb',
      '24-gb',
    ]);
  });

  test('is a larger one unasked only when measured speed and memory both speak for it', () => {
    const at = (gigabytesPerSecond: number, memoryHintGb: number | null) =>
      tierOf({
        ...computer,
        device: { ...computer.device, memoryHintGb },
        measured: { ...computer.measured!, gigabytesPerSecond },
      });
    expect([at(800, 32), at(800, 16), at(400, 32), at(800, 8), at(800, null), at(100, 32)]).toEqual([
      '24-gb',
      '16-gb',
      '16-gb',
      '12-gb',
      '12-gb',
      '12-gb',
    ]);
    expect(tierOf({ ...computer, measured: null })).toBe('12-gb');
  });
});

describe('the proposed roles', () => {
  const examples: readonly (readonly [DeviceMeasure, WhatElse])[] = [
    [phone, {}],
    [office, {}],
    [computer, { graphicsMemoryGb: 12 }],
    [computer, { graphicsMemoryGb: 16 }],
    [computer, { graphicsMemoryGb: 24 }],
  ];

  test('name every role once, those that suit first, for every tier', () => {
    expect(examples.map(([measure, else_]) => tierOf(measure, else_))).toEqual([...TIERS]);
    for (const [measure, else_] of examples) {
      const { roles } = rolesOf(measure, else_);
      expect(roles.map(({ role }) => role).sort()).toEqual([...ROLES].sort());
      expect(roles.map(({ suits }) => suits)).toEqual([...roles.map(({ suits }) => suits)].sort().reverse());
    }
  });

  test('give the smallest node work that it does well: asking, checking, embedding', () => {
    expect(suiting(phone)).toEqual(['ask', 'check', 'embed']);
  });

  test('never tell a person that a device is too little', () => {
    for (const [measure, else_] of examples) {
      const { summary, roles } = rolesOf(measure, else_);
      for (const sentence of [summary, ...roles.map((line) => line.sentence)]) {
        expect(sentence).toMatch(/^[A-Z][^\n]*\.$/);
        expect(sentence).not.toMatch(/\b(?:cannot|fail|weak|too (?:small|slow|little)|unfortunately|only|sorry)\b/i);
      }
    }
  });

  test('grow with the tier: models of 8, 14 and more billion parameters', () => {
    expect(examples.slice(2).map(([measure, else_]) => rolesOf(measure, else_).servesParameters)).toEqual([
      8e9, 14e9, 32e9,
    ]);
  });

  test('leave storing to others while the disk is nearly full', () => {
    expect(suiting(office)).toContain('store');
    expect(suiting(office, { freeBytes: 1e9 })).not.toContain('store');
    expect(suiting(office, { freeBytes: 1e11 })).toContain('store');
  });
});

test('a measurement from an old or foreign version is refused, not guessed at', () => {
  expect(checkAgainst(deviceMeasureSchema, computer).ok).toBe(true);
  expect(checkAgainst(deviceMeasureSchema, { ...computer, v: 2 })).toMatchObject({
    error: { code: 'unknown_version' },
  });
  const endless = { ...computer, measured: { ...computer.measured!, gflops: Infinity } };
  expect(checkAgainst(deviceMeasureSchema, endless)).toMatchObject({ error: { code: 'malformed' } });
});
