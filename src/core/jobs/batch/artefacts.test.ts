import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { assembleArtefacts, renderArtefacts, type BatchArtefacts } from './artefacts';
import { readManifest } from './manifest';
import { renderMessageLog } from './message-log';
import { batchReceipts, renderBatchReceipts } from './receipts';
import { failedReport, runJob, unsupportedReport } from './report';
import { runBatch } from './run-batch';
import { scheduleBatch } from './schedule';

const manifest = unwrap(
  readManifest({
    version: 1,
    nodes: ['a', { node_id: 'off', status: 'offline' }, 'c'],
    jobs: [shoutJob('1', 'é'), shoutJob('2', 5), shoutJob('3', 'abc')],
  }),
);
const run = unwrap(runBatch(manifest, shoutTypes));

test('heartbeats come first, then four messages per job, numbered from msg-0001', () => {
  expect(run.messages.map((message) => [message.message_id, message.message_type, message.correlation_id])).toEqual([
    ['msg-0001', 'node_heartbeat', null],
    ['msg-0002', 'node_heartbeat', null],
    ...['1', '2', '3'].flatMap((id, index) =>
      ['job_assigned', 'job_result_reported', 'job_validated', 'contribution_recorded'].map((type, step) => [
        `msg-${String(3 + index * 4 + step).padStart(4, '0')}`,
        type,
        id,
      ]),
    ),
  ]);
});

test('failed results have no output and no units, and every node stands in roster and summaries', () => {
  expect(
    run.results.map(({ status, output, error, contribution_units }) => [status, output, error, contribution_units]),
  ).toEqual([
    ['completed', { shouted: 'É', share: 1 }, null, 1],
    ['failed', null, 'There is no text.', 0],
    ['completed', { shouted: 'ABC', share: 1 }, null, 3],
  ]);
  expect(run.summaries).toEqual([
    { node_id: 'a', results: 2, completed_jobs: 2, failed_jobs: 0, contribution_units: 4 },
    { node_id: 'off', results: 0, completed_jobs: 0, failed_jobs: 0, contribution_units: 0 },
    { node_id: 'c', results: 1, completed_jobs: 0, failed_jobs: 1, contribution_units: 0 },
  ]);
  expect(
    run.node_roster.map((entry) => [
      entry.node_id,
      entry.assigned_jobs,
      entry.heartbeat_sequence,
      entry.heartbeat_count,
    ]),
  ).toEqual([
    ['a', 2, 1, 1],
    ['off', 0, 0, 0],
    ['c', 1, 2, 1],
  ]);
});

test('the result hash covers what was reported, floats written as floats', () => {
  const expected =
    '{"error":null,"job_id":"1","node_id":"a","output":{"share":1.0,"shouted":"\\u00c9"},"status":"completed"}';
  const reported = run.messages.find((message) => message.message_type === 'job_result_reported');
  expect(reported?.payload['result_hash']).toBe(createHash('sha256').update(expected).digest('hex'));
  expect(renderArtefacts(manifest, run, shoutTypes)).toContain('"share": 1.0');
});

test('results from elsewhere leave the same artefacts as a run in place', () => {
  const assignments = unwrap(scheduleBatch(manifest, shoutTypes));
  const results = manifest.jobs.map((job, index) => runJob(job, assignments[index]!.node_id, shoutTypes));
  const assembled = unwrap(assembleArtefacts(manifest, assignments, results, shoutTypes));
  expect(renderArtefacts(manifest, assembled, shoutTypes)).toBe(renderArtefacts(manifest, run, shoutTypes));
});

test('lies, failures and unknown types from elsewhere are judged and earn nothing', () => {
  const assignments = unwrap(scheduleBatch(manifest, shoutTypes));
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level++) deep = [deep];
  const results = [
    { ...runJob(manifest.jobs[0]!, 'a', shoutTypes), output: deep },
    unsupportedReport(manifest.jobs[1]!, 'c'),
    { ...runJob(manifest.jobs[2]!, 'a', shoutTypes), output: { shouted: 'LIE', share: 1 } },
  ];
  const judged = unwrap(assembleArtefacts(manifest, assignments, results, shoutTypes));
  expect(judged.validations.map(({ reason }) => reason)).toEqual([
    'result_not_completed',
    'unsupported_job_type',
    'output_mismatch',
  ]);
  expect(judged.validation_summary).toEqual({ valid: 0, invalid: 3, unsupported: 1 });
  expect(judged.totals).toMatchObject({ completed_jobs: 1, failed_jobs: 2, contribution_units: 0 });
});

test('a batch with a missing or foreign result is not assembled', () => {
  const assignments = unwrap(scheduleBatch(manifest, shoutTypes));
  const results = manifest.jobs.map((job) => failedReport(job, 'a', 'The node left.'));
  const astray = assignments.map((assignment) => ({ ...assignment, node_id: 'nobody' }));
  expect(assembleArtefacts(manifest, assignments, results.slice(1), shoutTypes)).toMatchObject({
    error: { code: 'incomplete_batch' },
  });
  expect(assembleArtefacts(manifest, assignments.slice(1), results, shoutTypes)).toMatchObject({
    error: { code: 'incomplete_batch' },
  });
  expect(assembleArtefacts(manifest, [...assignments].reverse(), results, shoutTypes)).toMatchObject({
    error: { code: 'incomplete_batch' },
  });
  expect(assembleArtefacts(manifest, astray, results, shoutTypes)).toMatchObject({
    error: { code: 'incomplete_batch' },
  });
});

test('the message log is versioned, carries the figures of the run and every message', () => {
  const log = JSON.parse(renderMessageLog(manifest, run, shoutTypes)) as { messages: BatchArtefacts['messages'] };
  expect(log).toMatchObject({
    version: 1,
    metadata: {
      message_count: 14,
      node_count: 3,
      job_count: 3,
      node_ids: ['a', 'off', 'c'],
      job_ids: ['1', '2', '3'],
      totals: run.totals,
      validation_summary: { valid: 2, invalid: 1, unsupported: 0 },
      total_contribution_units: 4,
    },
  });
  expect(log.messages).toEqual(JSON.parse(JSON.stringify(run.messages)));
});

test('a receipt ties each job to its messages, its judgement and its units', () => {
  const receipts = batchReceipts(manifest, run, shoutTypes);
  expect(
    receipts.map((receipt) => [receipt.job_id, receipt.reason, receipt.contribution_units, receipt.output_summary]),
  ).toEqual([
    ['1', 'ok', 1, 'É'],
    ['2', 'result_not_completed', 0, 'There is no text.'],
    ['3', 'ok', 3, 'ABC'],
  ]);
  expect(receipts[2]).toMatchObject({
    assignment_message_id: 'msg-0011',
    result_message_id: 'msg-0012',
    validation_message_id: 'msg-0013',
    contribution_message_id: 'msg-0014',
  });
  expect(JSON.parse(renderBatchReceipts(receipts))).toEqual({ version: 1, receipts });
});
