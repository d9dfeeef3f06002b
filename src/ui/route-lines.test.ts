import { describe, expect, it } from 'vitest';
import type { Attempt, RouteStep } from './conversation';
import { reasonWords, routeLines } from './route-lines';

const FIRST = 'a1'.repeat(32);
const SECOND = 'b2'.repeat(32);

const attempt = (steps: RouteStep[], change: Partial<Attempt> = {}): Attempt => ({
  id: 'q1.1',
  where: 'mesh',
  state: 'done',
  askedAt: 0,
  pieces: [],
  steps,
  firstTokenAt: null,
  lastTokenAt: null,
  answer: null,
  failure: null,
  ...change,
});

const admitted: RouteStep = { type: 'admitted', traceId: 't', capability: 'llm.chat@1', at: 3 };
const chosen: RouteStep = {
  type: 'chosen',
  expert: FIRST,
  reasons: [
    { text: 'has the model warm', value: 1 },
    { text: '24 ms away', value: 24 },
  ],
  at: 20,
};
const started: RouteStep = { type: 'started', expert: FIRST, jobId: 'j', at: 30 };

describe('the route of an answer', () => {
  it('has one line for each step, in order, with the time since the question', () => {
    const lines = routeLines(
      attempt([
        admitted,
        chosen,
        started,
        { type: 'checked', validator: SECOND, verdict: 'accepted', reason: 'ok', at: 900 },
        { type: 'combined', verdict: 'accepted', check: 'rescore', expert: 'b', answers: 1, agreeing: 1, at: 901 },
        { type: 'sealed', traceId: 't', sealId: 's', at: 902 },
        { type: 'recorded', receiptId: 'r', at: 903 },
      ]),
    );
    expect(lines.map((line) => [line.label, line.at])).toEqual([
      ['Admitted', '0.00 s'],
      ['Chosen', '0.02 s'],
      ['Asked', '0.03 s'],
      ['Checked', '0.90 s'],
      ['Combined', '0.90 s'],
      ['Sealed', '0.90 s'],
      ['Recorded', '0.90 s'],
    ]);
  });

  it('gives every reason of the router', () => {
    expect(routeLines(attempt([chosen]))[0]).toMatchObject({
      nodes: [FIRST],
      text: 'has the model warm and 24 ms away',
    });
  });

  it('counts tokens on the line of the node that streams', () => {
    const lines = routeLines(attempt([started], { state: 'running', pieces: ['a', 'b'], firstTokenAt: 310 }));
    expect(lines[0]).toMatchObject({ text: 'first word after 310 ms, 2 tokens', live: true });
  });

  it('says on a replacement who took over from whom, after how many tokens and why', () => {
    const replaced: RouteStep = {
      type: 'replaced',
      from: FIRST,
      to: SECOND,
      atToken: 12,
      reason: 'It fell silent.',
      at: 5_000,
    };
    expect(routeLines(attempt([started, replaced]))[1]).toMatchObject({
      nodes: [FIRST, SECOND],
      text: 'continues after 12 tokens: it fell silent',
      tone: 'warn',
    });
  });

  it('shows a rejection as one', () => {
    const checked: RouteStep = {
      type: 'checked',
      validator: SECOND,
      verdict: 'rejected',
      reason: 'token_mismatch',
      at: 1,
    };
    expect(routeLines(attempt([checked]))[0]).toMatchObject({
      tone: 'bad',
      text: expect.stringContaining('rejects it') as string,
    });
  });

  it('shows an unknown reason code as words rather than nothing', () => {
    expect(reasonWords('model_not_here')).toBe('model not here');
  });
});

it('what held is told by what was looked at: every word, or the result', () => {
  expect(reasonWords('ok')).toBe('every word is what the model would have chosen');
  expect(reasonWords('ok', false)).toBe('the result holds');
  expect(reasonWords('tests_failing', false)).toBe('a test that must pass fails');
  const checked: RouteStep = { type: 'checked', validator: SECOND, verdict: 'accepted', reason: 'ok', at: 900 };
  expect(routeLines(attempt([checked]))[0]!.text).toBe('agrees: the result holds');
  const evidence = {
    positions: 1,
    length: 1,
    gross: 0,
    soft: 0,
    clippedMilli: 0,
    worstMilli: 0,
    engine: 'e',
    ms: 1,
    margins: [],
  };
  expect(routeLines(attempt([{ ...checked, evidence }]))[0]!.text).toContain('every word');
});
