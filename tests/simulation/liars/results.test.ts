import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { unwrap } from '#core/base/result';
import { openResults, readResults } from './results';
import type { Row } from './row';

const folder = mkdtempSync(join(tmpdir(), 'liars-'));
const path = join(folder, 'results.jsonl');
afterEach(() => rmSync(path, { force: true }));

const subject = { seed: 1, hashes: { loom: 'a' } };
const row = (index: number): Row => ({
  condition: 'honest: long',
  index,
  tokens: 3,
  verdict: 'accepted',
  reason: 'ok',
  misses: [[1, 0.25, 2]],
});

it('goes on where an earlier run was interrupted, in the middle of a line too', () => {
  unwrap(openResults(path, subject)).add([row(0), row(1)]);
  appendFileSync(path, '{"condition":"honest: lo');
  const again = unwrap(openResults(path, { seed: 1, hashes: { other: 'b' } }));
  expect(again.rows).toEqual([row(0), row(1)]);
  again.add([row(2)]);
  const all = unwrap(readResults(path));
  expect(all.rows).toEqual([row(0), row(1), row(2)]);
  expect(all.subject).toEqual({ seed: 1, hashes: { loom: 'a', other: 'b' } });
  expect(readFileSync(path, 'utf8')).not.toContain('"honest: lo{');
});

it('never mixes results of different seeds or models', () => {
  unwrap(openResults(path, subject)).add([row(0)]);
  const before = readFileSync(path, 'utf8');
  for (const other of [
    { seed: 2, hashes: { loom: 'a' } },
    { seed: 1, hashes: { loom: 'b' } },
  ]) {
    const opened = openResults(path, other);
    expect(opened.ok ? 'ok' : opened.error.code).toBe('other_subject');
  }
  expect(readFileSync(path, 'utf8')).toBe(before);
});
