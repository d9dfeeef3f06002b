import { expect, test } from 'vitest';
import { unwrap, type Result } from '../../base/result';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import { dispatchBatch } from './dispatch';
import type { BatchMessage } from './job-messages';
import { readManifest } from './manifest';
import { parseMessageLog, renderMessageLog, renderMessages } from './message-log';
import { runBatch } from './run-batch';
import { renderValidation, validateResults } from './validate-results';

const manifest = unwrap(
  readManifest({ nodes: ['a', 'c'], jobs: [shoutJob('1', 'é'), shoutJob('2', 5), shoutJob('3', 'abc')] }),
);
const run = unwrap(runBatch(manifest, shoutTypes));
const whole = unwrap(parseMessageLog(renderMessageLog(manifest, run, shoutTypes)));
const dispatched = unwrap(parseMessageLog(renderMessages(unwrap(dispatchBatch(manifest, shoutTypes)).messages)));
const codeOf = (result: Result<unknown>) => (result.ok ? 'ok' : result.error.code);

/** The log with the result of a job changed. */
const lie = (jobId: string, payload: Record<string, unknown>): readonly BatchMessage[] =>
  whole.map((message) =>
    message.message_type === 'job_result_reported' && message.correlation_id === jobId
      ? { ...message, payload: { ...message.payload, ...payload } }
      : message,
  );
const reasons = (results: readonly BatchMessage[]) =>
  unwrap(validateResults(dispatched, results, shoutTypes)).verdicts.map((verdict) => verdict.reason);

test('from two logs alone the verdicts of the run come out again, units and hashes too', () => {
  const validation = unwrap(validateResults(dispatched, whole, shoutTypes));
  expect(validation.verdicts.map(({ job_id, valid, reason }) => [job_id, valid, reason])).toEqual(
    run.validations.map(({ job_id, valid, reason }) => [job_id, valid, reason]),
  );
  expect(validation).toMatchObject({ contribution_units: 4, validation_summary: run.validation_summary });
  expect(validation.verdicts.every((verdict) => verdict.result_hash_matches)).toBe(true);
  const { verdicts, ...figures } = unwrap(validateResults(whole, whole, shoutTypes));
  expect(JSON.parse(renderValidation({ verdicts, ...figures }))).toMatchObject({
    version: 1,
    kind: 'validation_report',
    metadata: { result_count: 3, assignment_count: 3, validation_summary: run.validation_summary },
    validations: validation.verdicts.map(({ assignment_message_id: _, ...verdict }) => verdict),
  });
});

test('a wrong result is a verdict that says so, whatever the log says of it', () => {
  expect(reasons(lie('1', { output: { shouted: 'È', share: 1 } }))).toEqual([
    'output_mismatch',
    'result_not_completed',
    'ok',
  ]);
  expect(reasons(lie('3', { contribution_units: 2 }))[2]).toBe('unexpected_contribution_units');
  expect(reasons(lie('3', { job_id: '1' }))[2]).toBe('job_id_mismatch');
  expect(reasons(lie('3', { node_id: 'c' }))[2]).toBe('result_node_id_mismatch');
  expect(reasons(lie('2', { status: 'completed', output: {}, contribution_units: 0 }))[1]).toBe(
    'malformed_shout_payload',
  );
  const lied = unwrap(validateResults(dispatched, lie('3', { output: 'ABC' }), shoutTypes));
  expect(lied.verdicts[2]).toMatchObject({ valid: false, contribution_units: 0, result_hash_matches: false });
});

test('a float that is written as an integer has its value; an integer that is written as a float is another output', () => {
  const reread = (from: string, to: string) => unwrap(parseMessageLog(renderMessages(whole).replaceAll(from, to)));
  for (const one of ['1', '1.00', '1e0']) expect(reasons(reread('"share": 1.0', `"share": ${one}`))[0]).toBe('ok');
  const job = { job_id: 's', job_type: 'text_stats', payload: { text: 'x' } };
  const stats = unwrap(readManifest({ nodes: ['a'], jobs: [job] }));
  const log = renderMessageLog(stats, unwrap(runBatch(stats, deterministicJobTypes)), deterministicJobTypes);
  const judged = (text: string) => {
    const messages = unwrap(parseMessageLog(text));
    return unwrap(validateResults(messages, messages, deterministicJobTypes)).verdicts[0]!.reason;
  };
  expect(judged(log)).toBe('ok');
  expect(judged(log.replace('"word_count": 1', '"word_count": 1.0'))).toBe('unexpected_contribution_units');
});

test('an assignment of an unknown type makes its result unsupported', () => {
  const painted = dispatched.map((message) =>
    message.correlation_id === '1' ? { ...message, payload: { ...message.payload, job_type: 'paint' } } : message,
  );
  const validation = unwrap(validateResults(painted, whole, shoutTypes));
  expect(validation.validation_summary).toEqual({ valid: 1, invalid: 2, unsupported: 1 });
});

test('jobs without a result are named; logs that hold nothing to judge, or too much, are refused', () => {
  const some = whole.filter((message) => message.correlation_id !== '2');
  expect(unwrap(validateResults(dispatched, some, shoutTypes)).unreported_job_ids).toEqual(['2']);
  expect(codeOf(validateResults([], whole, shoutTypes))).toBe('no_assignments');
  expect(codeOf(validateResults(dispatched, dispatched, shoutTypes))).toBe('no_results');
  expect(codeOf(validateResults(dispatched.slice(0, 3), whole, shoutTypes))).toBe('missing_assignment');
  const again = whole.map((message) => ({ ...message, message_id: `again-${message.message_id}` }));
  expect(codeOf(validateResults(dispatched, [...whole, ...again], shoutTypes))).toBe('duplicate_result');
});
