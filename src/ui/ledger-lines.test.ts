import { describe, expect, test } from 'vitest';
import { lineSentence, lineState, lineTitle, lineTone, signedCredit } from './ledger-lines';

const NOW = 1_800_000_000_000;

type Line = Parameters<typeof lineState>[0];
/** A line of work that was accepted, else as told. */
const waiting = (change: Partial<Line>): Line => ({
  kind: 'paid',
  state: 'waiting',
  challenge: null,
  amountMicros: -10,
  until: null,
  ...change,
});
const words = (line: Line) => ({ state: lineState(line, NOW), tone: lineTone(line), sentence: lineSentence(line) });

describe('a line in words', () => {
  test('has a sign, except for nothing', () => {
    expect([1_500_000, -20_000, 0].map(signedCredit)).toEqual(['+1.50', '−0.02', '0.00']);
  });

  test('says what was paid for where that is known, and that nothing was paid', () => {
    expect(lineTitle({ kind: 'paid', capability: null, state: 'settled' })).toBe('Paid');
    expect(lineTitle({ kind: 'paid', capability: null, state: 'void' })).toBe('Not paid');
    expect(lineTitle({ kind: 'earned', capability: 'llm.chat@1', state: 'waiting' })).toMatch(/^Worked: ./);
  });

  test('says until when it waits, and that the window is over when it is', () => {
    expect(lineState(waiting({ until: NOW + 60_000 }), NOW)).toMatch(/^Waiting until ./);
    expect(lineState(waiting({ until: NOW }), NOW)).toBe('Window is over');
    expect(lineState(waiting({}), NOW)).toBe('Waiting');
  });

  test('shows a challenge before the window, and what came of it', () => {
    expect(words(waiting({ challenge: 'open' }))).toMatchObject({ state: 'Challenged', tone: 'disputed' });
    expect(words(waiting({ challenge: 'open' })).sentence).toContain('unless a panel finds it right');
    expect(words(waiting({ challenge: 'upheld' }))).toMatchObject({ state: 'Found wrong', tone: 'rejected' });
    expect(words(waiting({ challenge: 'dismissed' }))).toMatchObject({ state: 'Waiting', tone: 'waiting' });
    expect(words(waiting({ challenge: 'dismissed' })).sentence).toContain('is paid when the window ends');
  });

  test('tells work that a panel judged from work that those who checked judged', () => {
    const sentenceOf = (change: Partial<Line>): string => words(waiting(change)).sentence;
    expect(sentenceOf({ state: 'void', amountMicros: -10 })).toBe(
      'Those who checked found the work wrong: it is not paid, and only those who looked get their part.',
    );
    expect(sentenceOf({ state: 'void', challenge: 'upheld', amountMicros: 0 })).toBe(
      'It was challenged, and a panel found the work wrong: it is not paid.',
    );
    expect(sentenceOf({ state: 'expired', challenge: 'upheld' })).toContain('a panel found the work wrong');
    expect(sentenceOf({ state: 'settled', challenge: 'dismissed' })).toMatch(/a panel found the work right.*final/);
    expect(sentenceOf({ state: 'settled' })).not.toContain('panel');
  });

  test('says of a bond who has it now, to either side', () => {
    const bond = (change: Partial<Line>) => words(waiting({ kind: 'bond', ...change }));
    expect(bond({ state: 'reserved', challenge: 'open' })).toMatchObject({ state: 'Reserved', tone: 'waiting' });
    expect(bond({ state: 'released', challenge: 'upheld' })).toMatchObject({ state: 'Came back', tone: 'checked' });
    expect(bond({ state: 'expired', challenge: 'open' }).state).toBe('Came back');
    const lost = bond({ state: 'settled', challenge: 'dismissed', amountMicros: -10 });
    expect(lost).toMatchObject({ state: 'Lost', tone: 'rejected' });
    expect(lost.sentence).toContain('went to the node that did it');
    const won = bond({ state: 'settled', challenge: 'dismissed', amountMicros: 10 });
    expect(won).toMatchObject({ state: 'Won', tone: 'checked' });
    expect(won.sentence).toContain('the bond is yours');
  });
});
