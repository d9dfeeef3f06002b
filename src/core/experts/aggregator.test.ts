import { expect, test } from 'vitest';
import { hexOf } from '#tests/fakes/admission-input';
import { combine, type Replica } from './aggregator';
import { jobClassOf } from './job-class';
import type { PipelineDeps, WorkRequest } from './run';

const twoOfThree = jobClassOf('raised', true);

/** Nobody could check these answers. */
const answered = (digit: string, output: string): Replica =>
  ({ asked: { executor: hexOf(digit), claim: { output } }, checks: [] }) as unknown as Replica;

const request = {
  kind: {
    check: 'redo',
    capability: { id: 'text.classify@1' },
    combining: { rule: 'vote', choice: (output: string) => output, confidence: () => 1 },
  },
} as unknown as WorkRequest;

/** What answers come to where the named nodes are one person's. */
const combined = (replicas: readonly Replica[], onePersons: readonly string[] = []) => {
  const sameBranch = (a: string, b: string) => a === b || [a, b].every((node) => onePersons.includes(node));
  const deps = { candidates: () => [], sameBranch } as unknown as PipelineDeps;
  return combine(deps, request, twoOfThree, replicas);
};

test('answers of two lines of invitations that agree are accepted by their outcome', async () => {
  const replicas = [answered('a', 'yes'), answered('b', 'yes'), answered('c', 'no')];
  expect(await combined(replicas)).toEqual({
    verdict: 'accepted',
    check: 'outcome',
    chosen: 0,
    answers: 3,
    agreeing: 2,
  });
});

test('two answers of one person that agree are not accepted for it, whoever else said something different', async () => {
  const onePersons = [hexOf('a'), hexOf('b')];
  const alone = [answered('a', 'yes'), answered('b', 'yes')];
  for (const replicas of [alone, [...alone, answered('c', 'no')]])
    expect(await combined(replicas, onePersons)).toMatchObject({ verdict: 'unchecked', check: 'none', agreeing: 2 });
});
