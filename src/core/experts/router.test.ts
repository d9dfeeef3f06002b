import { describe, expect, test } from 'vitest';
import { hexOf } from '#tests/fakes/admission-input';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { choose, rank, scoreCandidate } from './router';
import type { PipelineDeps, WorkRequest } from './run';
import type { Candidate } from './work-kind';

const candidate = (digit: string, change: Partial<Candidate> = {}): Candidate => ({
  node: hexOf(digit),
  local: false,
  rttMs: 100,
  runningJobs: 0,
  tokensPerSecond: null,
  record: { completed: 0, failed: 0, accepted: 0, rejected: 0 },
  models: [{ id: 'sage-2', hash: hexOf('1') }],
  ...change,
});
const drawn = (candidates: readonly Candidate[], seed = 1) =>
  rank(candidates, createSeededChance(seed), undefined)?.node ?? null;

describe('of several candidates', () => {
  test.each<[string, Partial<Candidate>]>([
    ['is farther away', { rttMs: 200 }],
    ['has a job ahead', { runningJobs: 1 }],
    ['failed before', { record: { completed: 9, failed: 1, accepted: 0, rejected: 0 } }],
    ['was rejected before', { record: { completed: 0, failed: 0, accepted: 9, rejected: 1 } }],
  ])('the one that %s is not chosen, wherever it stands', (_, worse) => {
    const [good, bad] = [candidate('a'), candidate('b', worse)];
    expect(scoreCandidate(bad)).toBeGreaterThan(scoreCandidate(good));
    expect([drawn([good, bad]), drawn([bad, good])]).toEqual([good.node, good.node]);
  });

  test('those within 25 ms of the best are equal and drawn by chance, one beyond is not', () => {
    const drawnOver = (rttMs: number) =>
      new Set(Array.from({ length: 40 }, (_, seed) => drawn([candidate('a'), candidate('b', { rttMs })], seed)));
    expect(drawnOver(125)).toEqual(new Set([hexOf('a'), hexOf('b')]));
    expect(drawnOver(126)).toEqual(new Set([hexOf('a')]));
  });

  test('none leaves nobody', () => {
    expect(drawn([])).toBeNull();
  });
});

describe('a request', () => {
  const deps = (candidates: readonly Candidate[]) =>
    ({
      self: () => null,
      candidates: (capability: string) => (capability === 'llm.chat@1' ? candidates : []),
      chance: createSeededChance(1),
      sameBranch: () => false,
      versionFor: () => null,
    }) as unknown as PipelineDeps;
  const request = (change: object = {}) =>
    ({ kind: { capability: { id: 'llm.chat@1' } }, provider: 'mesh', ...change }) as unknown as WorkRequest;
  const chosen = (given: WorkRequest, excluded: readonly string[] = []) => {
    const result = choose(deps([candidate('a'), candidate('b', { rttMs: 900 })]), given, new Set(excluded), 'trace-1');
    return result.ok ? result.value.node : result.error.code;
  };

  test('goes to a node that offers its kind of work with the wanted model, and to none that is excluded', () => {
    expect(chosen(request())).toBe(hexOf('a'));
    expect(chosen(request({ model: 'sage-2' }), [hexOf('a')])).toBe(hexOf('b'));
  });

  test('that nobody can answer says why', () => {
    expect(chosen(request({ kind: { capability: { id: 'code.patch@1' } } }))).toBe('nobody_offers');
    expect(chosen(request({ model: 'owl-1' }))).toBe('unknown_model');
    expect(chosen(request(), [hexOf('a'), hexOf('b')])).toBe('nobody_offers');
  });
});
