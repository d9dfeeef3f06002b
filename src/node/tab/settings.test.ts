import { expect, test } from 'vitest';
import { createMemory } from '#adapters/storage-memory';
import { unwrap } from '#core/base/result';
import { DEFAULT_SETTINGS, loadSettings, storeSettings } from './settings';

const records = () => createMemory().open().records;

test('a price is kept, down to nothing, and absent it follows the model', async () => {
  const store = records();
  expect(unwrap(await loadSettings(store))).toMatchObject({ rateMicros: null, minimumJobMicros: 0 });
  unwrap(await storeSettings(store, DEFAULT_SETTINGS, { rateMicros: 0, minimumJobMicros: 2_500 }));
  expect(unwrap(await loadSettings(store))).toMatchObject({ rateMicros: 0, minimumJobMicros: 2_500 });
});

test.each([
  ['a part of a micro', { rateMicros: 0.5 }],
  ['less than nothing', { minimumJobMicros: -1 }],
  ['more than a thousand credits a token', { rateMicros: 1_000_000_001 }],
  ['no number', { rateMicros: NaN }],
])('a price of %s is refused and changes nothing', async (_, change) => {
  const store = records();
  expect(await storeSettings(store, DEFAULT_SETTINGS, change)).toMatchObject({ error: { code: 'bad_setting' } });
  expect(unwrap(await loadSettings(store))).toEqual(DEFAULT_SETTINGS);
});

test('settings of an older version get the default price', async () => {
  const store = records();
  const { rateMicros: _rate, minimumJobMicros: _minimum, ...older } = DEFAULT_SETTINGS;
  unwrap(await store.set('settings', { v: 1, ...older, theme: 'dark' }));
  expect(unwrap(await loadSettings(store))).toEqual({ ...DEFAULT_SETTINGS, theme: 'dark' });
});
