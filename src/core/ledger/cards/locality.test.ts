import { expect, test } from 'vitest';
import { LOCALITY_BUCKETS } from './card-fields';
import { localityBucketOf } from './locality';

test.each([
  ['Europe/Berlin', 'europe'],
  ['America/Argentina/Ushuaia', 'america'],
  ['Africa/Nairobi', 'africa'],
  ['Asia/Kolkata', 'asia'],
  ['Australia/Hobart', 'oceania'],
  ['Pacific/Auckland', 'oceania'],
  ['Antarctica/Troll', 'unknown'],
  ['Atlantic/St_Helena', 'unknown'],
  ['Etc/GMT+5', 'unknown'],
  ['UTC', 'unknown'],
  ['', 'unknown'],
  ['__proto__/x', 'unknown'],
  [null, 'unknown'],
] as const)('%s is told as %s', (zone, bucket) => {
  expect(localityBucketOf(zone)).toBe(bucket);
  expect(LOCALITY_BUCKETS).toContain(bucket);
});

test('nothing of a zone but its continent is told', () => {
  const zones = Intl.supportedValuesOf('timeZone');
  expect(zones.length).toBeGreaterThan(300);
  expect(new Set(zones.map(localityBucketOf)).size).toBe(LOCALITY_BUCKETS.length);
});
