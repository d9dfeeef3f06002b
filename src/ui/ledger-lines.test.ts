import { describe, expect, test } from 'vitest';
import { lineSentence, lineState, lineTitle, signedCredit } from './ledger-lines';

const NOW = 1_800_000_000_000;

describe('a line in words', () => {
  test('has a sign, except for nothing', () => {
    expect([1_500_000, -20_000, 0].map(signedCredit)).toEqual(['+1.50', '−0.02', '0.00']);
  });

  test('says what was paid for where that is known', () => {
    expect(lineTitle({ kind: 'paid', capability: null })).toBe('Paid');
    expect(lineTitle({ kind: 'earned', capability: 'llm.chat@1' })).toMatch(/^Worked: ./);
  });

  test('says until when it waits, and that the window is over when it is', () => {
    const waiting = { state: 'waiting', challenged: false } as const;
    expect(lineState({ ...waiting, until: NOW + 60_000 }, NOW)).toMatch(/^Waiting until ./);
    expect(lineState({ ...waiting, until: NOW }, NOW)).toBe('Window is over');
    expect(lineState({ ...waiting, until: null }, NOW)).toBe('Waiting');
  });

  test('shows a challenge before anything else', () => {
    const line = { state: 'waiting', challenged: true, kind: 'paid', until: null } as const;
    expect(lineState(line, NOW)).toBe('Challenged');
    expect(lineSentence(line)).toContain('panel');
  });
});
