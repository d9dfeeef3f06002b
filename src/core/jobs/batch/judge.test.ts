import { expect, test } from 'vitest';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { judgeResult } from './judge';
import { runJob, type ReportedResult } from './report';

const job = shoutJob('j');
const honest = runJob(job, 'a', shoutTypes);
const reasonOf = (change: Partial<ReportedResult>, of = job) =>
  judgeResult(of, 'a', { ...honest, ...change }, shoutTypes).validation.reason;
const wrong = { shouted: 'HO', share: 1 };

test('an honest result is ok and earns its units', () => {
  expect(judgeResult(job, 'a', honest, shoutTypes)).toEqual({
    validation: { job_id: 'j', result_job_id: 'j', valid: true, reason: 'ok' },
    units: 2,
  });
});

test('the first reason that applies is given, in the order of the sheet', () => {
  const everything = { status: 'failed', job_id: 'x', node_id: 'b', contribution_units: 99, output: wrong } as const;
  const bad = shoutJob('j', 7);
  expect(
    judgeResult({ ...job, job_type: 'paint' }, 'a', { ...honest, ...everything }, shoutTypes).validation.reason,
  ).toBe('unsupported_job_type');
  expect(reasonOf({ ...everything, unsupported: true }, bad)).toBe('unsupported_job_type');
  expect(reasonOf(everything, bad)).toBe('result_not_completed');
  expect(reasonOf({ ...everything, status: 'completed' }, bad)).toBe('job_id_mismatch');
  expect(reasonOf({ ...everything, status: 'completed', job_id: 'j' }, bad)).toBe('result_node_id_mismatch');
  expect(reasonOf({ contribution_units: 99, output: wrong }, bad)).toBe('unexpected_contribution_units');
  expect(reasonOf({ output: wrong }, bad)).toBe('malformed_shout_payload');
  expect(reasonOf({ output: wrong })).toBe('output_mismatch');
});

test('a right output must claim exactly what it earns', () => {
  expect([0, 1, 3, -2, 2.5].map((contribution_units) => reasonOf({ contribution_units }))).toEqual(
    Array<string>(5).fill('unexpected_contribution_units'),
  );
});

test('a wrong output may claim what it would have earned, or nothing', () => {
  expect(reasonOf({ output: wrong, contribution_units: 2 })).toBe('output_mismatch');
  expect(reasonOf({ output: wrong, contribution_units: 0 })).toBe('output_mismatch');
  expect(reasonOf({ output: wrong, contribution_units: 1 })).toBe('unexpected_contribution_units');
});

test('an output of another shape earns nothing and is a mismatch', () => {
  for (const output of [null, 'HI', { shouted: 'HI' }, { ...wrong, extra: 1 }, []]) {
    expect(reasonOf({ output, contribution_units: 0 })).toBe('output_mismatch');
  }
});

test('a node that does not know the type reports a failure that counts as unsupported', () => {
  const paint = { job_id: 'p', job_type: 'paint', payload: {} };
  const reported = runJob(paint, 'a', shoutTypes);
  expect(reported).toMatchObject({ status: 'failed', output: null, contribution_units: 0 });
  expect(judgeResult(paint, 'a', reported, shoutTypes).validation).toMatchObject({
    valid: false,
    reason: 'unsupported_job_type',
  });
});
