import { describe, expect, it } from 'vitest';
import { offers } from './capability-words';
import { bytes, counted, creditText, duration, list, modelName, rate, relative, sentenceOf, shortId } from './words';

const MINUTE_MS = 60_000;

describe('figures as a person reads them', () => {
  it('says one thing and several things rightly', () => {
    expect([counted(0, 'answer'), counted(1, 'answer'), counted(1_200, 'reply', 'replies')]).toEqual([
      '0 answers',
      '1 answer',
      '1,200 replies',
    ]);
  });

  it('scales sizes in decimal units and keeps one decimal only where it tells something', () => {
    expect([bytes(1), bytes(999), bytes(8_200), bytes(8_234_000), bytes(14_000_000), bytes(1_500_000_000)]).toEqual([
      '1 byte',
      '999 bytes',
      '8 KB',
      '8.2 MB',
      '14 MB',
      '1.5 GB',
    ]);
  });

  it('writes credits exactly', () => {
    const texts = [0, 1, 10, 3_000, 1_500_000, 1_000_000, -2_040, 12_345_678].map(creditText);
    expect(texts).toEqual(['0.00', '0.000001', '0.00001', '0.003', '1.50', '1.00', '−0.00204', '12.345678']);
  });

  it('never shows sixty seconds', () => {
    expect([duration(24.4), duration(960), duration(59_960), duration(125_000)]).toEqual([
      '24 ms',
      '1.0 s',
      '1 min 0 s',
      '2 min 5 s',
    ]);
  });

  it('rounds a rate to what it is worth', () => {
    expect([rate(3.96), rate(41.4)]).toEqual(['4.0 tokens/s', '41 tokens/s']);
  });

  it('tells near times by distance and far ones by date', () => {
    const now = 1_800_000_000_000;
    expect(relative(now - 5_000, now)).toBe('just now');
    expect(relative(now - 5 * MINUTE_MS, now)).toBe('5 minutes ago');
    expect(relative(now + 7 * 24 * 60 * MINUTE_MS, now)).toBe('in 7 days');
    expect(relative(now - 90 * 24 * 60 * MINUTE_MS, now)).toMatch(/20\d\d/);
  });

  it('joins lists as English does', () => {
    expect([list([]), list(['a']), list(['a', 'b']), list(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });

  it('shortens only long ids', () => {
    expect(shortId('job-1')).toBe('job-1');
    expect(shortId(`bafyrei${'a'.repeat(52)}`)).toBe('bafyreiaaa…aaaa');
  });

  it('calls the built-in model by its name and others by their id', () => {
    expect([modelName('spark-1'), modelName('sparkle-7b'), modelName('Qwen2.5-0.5B')]).toEqual([
      'Spark',
      'sparkle-7b',
      'Qwen2.5-0.5B',
    ]);
  });

  it('gathers the text jobs of a node into one entry', () => {
    expect(offers(['ping@1', 'llm.chat@1', 'check.redo@1', 'check.rescore@1', 'echo@1', 'text_stats@1'])).toEqual([
      'answers',
      'checks',
      '2 of 6 text jobs',
    ]);
  });

  it('gathers the tasks of a model into one entry, and names what a model beside it does', () => {
    expect(offers(['text.audit@1', 'text.judge@1', 'embed.texts@1', 'rerank.passages@1', 'check.outcome@1'])).toEqual([
      'checks',
      'tasks',
      'vectors',
      'rankings',
    ]);
  });

  it('makes a sentence of whatever was thrown', () => {
    expect(sentenceOf(Object.assign(new Error('Nobody offers this.'), { code: 'nobody_offers' }))).toEqual({
      code: 'nobody_offers',
      message: 'Nobody offers this.',
    });
    expect(sentenceOf({ strange: true }).message).not.toContain('object');
  });
});
