import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '#tests/steps';
import { unwrap } from '../base/result';
import { countsOf, faultsOfBricks, openBricks, parseBricks, type Brick, type Bricks } from './bricks';

const text = readFileSync(join(ROOT, 'docs/bricks.json'), 'utf8');
const ours = unwrap(parseBricks(text));

/** The file with its first brick another one, and everything that follows from all bricks made anew. */
const first = (change: (brick: Brick) => Partial<Brick>): Bricks => {
  const bricks = [{ ...ours.bricks[0]!, ...change(ours.bricks[0]!) }, ...ours.bricks.slice(1)];
  return { ...ours, bricks, ...countsOf(bricks) };
};
const codesOf = (file: Bricks): string[] => faultsOfBricks(file).map(({ code }) => code);
const firstPart = (change: object) => (brick: Brick) => ({
  parts: [{ ...brick.parts[0]!, ...change }, ...brick.parts.slice(1)],
});

describe('the bricks of this repository', () => {
  test('are twelve, and say what their parts come to', () => {
    const opened = unwrap(openBricks(text));
    expect(opened.faults).toEqual([]);
    expect(opened.bricks.counts.bricks).toBe(12);
  });

  test('name for everything that they claim a test that is there', () => {
    const named = ours.bricks.flatMap(({ parts }) => parts.flatMap(({ tests }) => tests));
    expect(named.filter((path) => !/\.(test|spec)\.ts$/.test(path) || !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('a file of bricks', () => {
  test('is held against the parts of each brick', () => {
    expect(codesOf(first(({ closure }) => ({ closure: { ...closure, status: 'closed' } })))).toEqual(['wrong_closure']);
    expect(codesOf(first(({ closure }) => ({ closure: { ...closure, missing: [] } })))).toEqual(['wrong_closure']);
    expect(codesOf(first(() => ({ status: 'closed_poc' })))).toEqual(['wrong_status']);
    expect(codesOf(first(firstPart({ tests: [] })))).toEqual(['claim_without_test']);
    expect(codesOf(first(({ parts }) => ({ parts: [...parts, parts[0]!] })))).toContain('part_twice');
    expect(codesOf(first(() => ({ id: ours.bricks[1]!.id })))).toEqual(['brick_twice']);
    expect(codesOf(first(firstPart({ status: 'missing' })))).toContain('test_of_nothing');
  });

  test('is held against its own counts and its list of gaps', () => {
    const { counts, missing } = ours;
    expect(codesOf({ ...ours, counts: { ...counts, bricks: 11 } })).toEqual(['wrong_counts']);
    expect(codesOf({ ...ours, counts: { ...counts, closure: { ...counts.closure, open: 0 } } })).toEqual([
      'wrong_counts',
    ]);
    expect(codesOf({ ...ours, missing: missing.slice(1) })).toEqual(['wrong_gaps']);
  });

  test('that is no such file is refused with a code', () => {
    for (const [given, code] of [
      ['', 'undecodable'],
      ['{}', 'malformed'],
      [JSON.stringify({ ...ours, v: 2 }), 'unknown_version'],
      [JSON.stringify({ ...ours, bricks: [] }), 'malformed'],
    ] as const) {
      expect(parseBricks(given)).toMatchObject({ ok: false, error: { code } });
    }
  });

  test('is closed only with every part stable, and mostly missing is research', () => {
    const all = first(({ parts }) => ({ parts: parts.filter(({ status }) => status === 'stable') })).bricks[0]!;
    expect(countsOf([all]).counts.closure.closed).toBe(1);
    const [stable] = all.parts;
    const gap = (id: string) => ({ ...stable!, id, status: 'missing' as const, tests: [] });
    const mostlyMissing = { ...all, parts: [stable!, gap('one'), gap('two')] };
    expect(codesOf({ ...ours, bricks: [mostlyMissing], ...countsOf([mostlyMissing]) })).toContain('wrong_status');
    expect(countsOf([mostlyMissing]).missing).toEqual([`${all.id}.one`, `${all.id}.two`]);
  });
});
