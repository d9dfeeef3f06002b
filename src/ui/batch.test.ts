import { expect, it } from 'vitest';
import { batchRows, batchTotals } from './batch';

it('puts each result beside its validation, in job order', () => {
  const rows = batchRows({
    results: [
      { job_id: 'b', node_id: 'n1', status: 'completed', output: 'x', error: null, contribution_units: 2 },
      { job_id: 'a', node_id: 'n2', status: 'failed', output: null, error: 'no text', contribution_units: 0 },
    ],
    validations: [
      { job_id: 'a', result_job_id: 'a', valid: false, reason: 'missing_payload_text' },
      { job_id: 'b', result_job_id: 'b', valid: true, reason: 'ok' },
    ],
  });
  expect(rows).toEqual([
    { jobId: 'b', node: 'n1', status: 'completed', verdict: 'ok', valid: true, units: 2, error: '' },
    {
      jobId: 'a',
      node: 'n2',
      status: 'failed',
      verdict: 'missing_payload_text',
      valid: false,
      units: 0,
      error: 'no text',
    },
  ]);
});

it('shows nothing rather than guessing when an artefact is missing', () => {
  expect(batchRows({})).toEqual([]);
  expect(batchTotals({ totals: null })).toEqual([]);
});

it('names totals for people', () => {
  expect(batchTotals({ totals: { completed_jobs: 3 } })).toEqual([{ label: 'Completed jobs', value: 3 }]);
});
