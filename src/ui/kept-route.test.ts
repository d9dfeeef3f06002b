import { describe, expect, it } from 'vitest';
import type { RouteUpdate } from '#core/experts/route';
import { keptRoute } from './kept-route';
import { routeLines } from './route-lines';

const FIRST = 'a1'.repeat(32);
const SECOND = 'b2'.repeat(32);

const token = (text: string, at: number): RouteUpdate => ({ type: 'token', expert: FIRST, ids: [1], text, at });
const started: RouteUpdate = { type: 'started', expert: FIRST, jobId: 'j', at: 30 };

describe('the route of a kept trace', () => {
  it('reads as it did when the answer came, with how many tokens were streamed and when the first one came', () => {
    const lines = routeLines(
      keptRoute([
        { type: 'admitted', traceId: 't', capability: 'llm.chat@1', at: 3 },
        started,
        token('Hel', 200),
        token('lo', 240),
        { type: 'recorded', receiptId: 'r', at: 903 },
      ]),
    );
    expect(lines.map(({ label }) => label)).toEqual(['Admitted', 'Asked', 'Recorded']);
    expect(lines[1]!.text).toBe('first word after 200 ms, 2 tokens');
    expect(lines.some(({ live }) => live)).toBe(false);
  });

  it('counts no tokens that were dropped when another node went on', () => {
    const replaced: RouteUpdate = {
      type: 'replaced',
      from: FIRST,
      to: SECOND,
      atToken: 1,
      reason: 'It went away.',
      at: 300,
    };
    const route = keptRoute([started, token('one', 100), token('two', 200), replaced, token('three', 400)]);
    expect(route.pieces).toEqual(['one', 'three']);
    expect(route.firstTokenAt).toBe(100);
  });
});
