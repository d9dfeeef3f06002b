import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { STEPS, CHECKER, OTHER, WORKER } from '#tests/fakes/trace';
import { verdictOf as combinedVerdict } from '../experts/aggregator';
import type { RouteUpdate } from '../experts/route';
import { nothingSoFar, readStep, STEP_KINDS, verdictOf, type OpenStep } from './step-kinds';
import { traceSchema } from './trace';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

const complaints = (steps: readonly OpenStep[]): (string | null)[] => {
  const so = nothingSoFar();
  return steps.map((step) => readStep(so, step));
};
const without = (type: OpenStep['type']): OpenStep[] => STEPS.filter((step) => step.type !== type);

test('the kinds of step are those that the pipeline yields, field by field', () => {
  expectTypeOf<DeepReadonly<OpenStep>['type']>().toEqualTypeOf<RouteUpdate['type']>();
  expectTypeOf<RouteUpdate>().toExtend<DeepReadonly<OpenStep>>();
  // And the published schema has every one of them.
  expect(traceSchema.entries.steps.pipe[0].item.options).toEqual(Object.values(STEP_KINDS).map(({ schema }) => schema));
});

test('the steps of an answer that moved on are in order, and say what is on show', () => {
  const so = nothingSoFar();
  expect(STEPS.map((step) => readStep(so, step))).toEqual(STEPS.map(() => null));
  expect([...so.runs.keys()]).toEqual([WORKER]);
  expect(so.runs.get(WORKER)).toMatchObject({ jobId: 'job-2', shownTokens: 2, shownIds: [4, 6] });
  expect(so.runs.get(WORKER)!.shownTexts.join('')).toBe('Tab');
});

test.each([
  ['a token before anyone started', [STEPS[0]!, STEPS[3]!], /before anyone started/],
  [
    'a token of a node that does not hold the request',
    [...STEPS.slice(0, 3), { ...STEPS[3]!, expert: CHECKER }],
    /does not hold/,
  ],
  ['a token before the hand-over', STEPS.slice(0, 7).concat(STEPS[8]!), /took over/],
  ['more tokens kept than shown', [...STEPS.slice(0, 7), { ...STEPS[7]!, atToken: 3 }], /more tokens/],
  ['a hand-over from nobody', [...STEPS.slice(0, 3), STEPS[7]!], /not asked to/],
  ['somebody starts who was not chosen', [STEPS[0]!, STEPS[2]!], /not chosen/],
  ['a second admission', [STEPS[0]!, STEPS[0]!], /once/],
  ['a check after the verdicts were combined', [...STEPS.slice(0, 11), STEPS[9]!], /combined/],
  ['verdicts combined before the work', [STEPS[0]!, STEPS[10]!], /after the work/],
  ['a seal before the verdicts', [...STEPS.slice(0, 10), STEPS[11]!], /after the verdicts/],
  ['the seal of another trace', [...STEPS.slice(0, 11), { ...STEPS[11]!, traceId: 'trace-2' }], /another trace/],
  ['a receipt before the seal', without('sealed'), /before the seal/],
] as [string, OpenStep[], RegExp][])('%s is out of place', (_, steps, complaint) => {
  expect(complaints(steps).at(-1)).toMatch(complaint);
  expect(
    complaints(steps)
      .slice(0, -1)
      .every((one) => one === null),
  ).toBe(true);
});

test('the verdict that a replay works out is the one that the pipeline combines', () => {
  const verdict = fc.constantFrom('accepted' as const, 'rejected' as const, 'undecided' as const);
  fc.assert(
    fc.property(fc.array(verdict, { maxLength: 6 }), (verdicts) => {
      const checks = verdicts.map((one) => ({ validator: OTHER, verdict: one, reason: 'ok', statement: null }));
      const combined = combinedVerdict('rescore', checks);
      expect(verdictOf(checks)).toBe(combined.verdict);
      expect(combined.check === 'none').toBe(combined.verdict === 'unchecked');
    }),
  );
});
