import { describe, expect, it } from 'vitest';
import { choosePatch, patchDecided, type PatchCandidate } from './passing-patches';

const patch = (key: string, accepted: boolean | null, changedLines = 2): PatchCandidate => ({
  key,
  accepted,
  changedLines,
});

describe('among patches', () => {
  it('only those whose tests passed are chosen from', () => {
    expect(choosePatch([patch('a', false), patch('b', true, 9), patch('c', null, 1)])).toBe(1);
    expect(choosePatch([patch('a', false), patch('c', null)])).toBeNull();
    expect(choosePatch([])).toBeNull();
  });

  it('the result that most share wins, then the smaller change, then the smaller key', () => {
    expect(choosePatch([patch('a', true, 1), patch('b', true, 5), patch('b', true, 6)])).toBe(1);
    expect(choosePatch([patch('a', true, 5), patch('b', true, 1)])).toBe(1);
    expect(choosePatch([patch('b', true), patch('a', true)])).toBe(1);
  });

  it('the choice is made once what is open cannot change it', () => {
    expect(patchDecided([patch('a', true), patch('a', true)], 1)).toBe(true);
    expect(patchDecided([patch('a', true)], 1)).toBe(false);
    expect(patchDecided([patch('a', true), patch('a', true), patch('b', null)], 1)).toBe(false);
    expect(patchDecided([patch('a', true), patch('b', true)], 0)).toBe(true);
    expect(patchDecided([patch('a', false), patch('b', false)], 1)).toBe(false);
  });
});
