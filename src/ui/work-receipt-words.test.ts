import { expect, it } from 'vitest';
import { methodWords, windowWords } from './work-receipt-words';

it('tells a window in the largest unit that divides it', () => {
  expect([1, 90, 60, 600, 3_600, 5_400, 86_400, 172_800].map(windowWords)).toEqual([
    '1 second',
    '90 seconds',
    '1 minute',
    '10 minutes',
    '1 hour',
    '90 minutes',
    '1 day',
    '2 days',
  ]);
});

it('says by what means work may be challenged', () => {
  expect(methodWords(['route_trace_replay', 'expert_hash_check'])).toBe(
    'replaying the route and comparing the hash of the model',
  );
});
