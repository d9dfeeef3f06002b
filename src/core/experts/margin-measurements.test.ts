import { expect, test } from 'vitest';
import { unwrap } from '../base/result';
import { parseJsonThrough } from '../wire/parse-json-through';
import {
  MARGIN_BUCKETS,
  marginMeasurements,
  marginMeasurementsSchema,
  marginMeasurementsText,
  type MarginHistogram,
} from './margin-measurements';

const histogram = (engine: string, byHundredths: Readonly<Record<number, number>>): MarginHistogram => ({
  engine,
  executorClass: 'true 8 16',
  validatorClass: 'false 4 8',
  counts: Array.from({ length: MARGIN_BUCKETS }, (_, at) => byHundredths[at] ?? 0),
});

test('the same counts give the same bytes, whatever was met first', () => {
  const [a, b] = [histogram('transformers/wasm', { 0: 900, 3: 2 }), histogram('transformers/webgpu', { 255: 1 })];
  const text = marginMeasurementsText(marginMeasurements([a, b]));
  expect(marginMeasurementsText(marginMeasurements([b, a]))).toBe(text);
  const read = unwrap(parseJsonThrough(marginMeasurementsSchema, text, 10_000));
  expect(read).toEqual({
    type: 'margin-measurements',
    v: 1,
    softAboveHundredths: 10,
    grossAboveHundredths: 50,
    pairs: [
      {
        engine: 'transformers/wasm',
        executor: 'true 8 16',
        validator: 'false 4 8',
        counts: [
          { hundredths: 0, tokens: 900 },
          { hundredths: 3, tokens: 2 },
        ],
      },
      {
        engine: 'transformers/webgpu',
        executor: 'true 8 16',
        validator: 'false 4 8',
        counts: [{ hundredths: 255, tokens: 1 }],
      },
    ],
  });
});

test('a pair of which no token was seen says nothing', () => {
  expect(marginMeasurements([histogram('transformers/wasm', {})]).pairs).toEqual([]);
});
