import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import {
  appendBatch,
  appendOnce,
  EMPTY_CONTRIBUTION_LEDGER,
  parseContributionLedger,
  renderContributionLedger,
  renderLedgerSummary,
  summariseLedger,
} from './contribution-ledger';
import { readManifest } from './manifest';
import { runBatch } from './run-batch';

const manifest = unwrap(readManifest({ version: 1, nodes: ['b', 'a'], jobs: [shoutJob('1'), shoutJob('2', null)] }));
const artefacts = unwrap(runBatch(manifest, shoutTypes));
const old =
  '{"note":"kept","version":1,"records":[{"node_id":"n","job_id":"x","status":"completed","contribution_units":2,"weight":1.0}]}';

const record = (units: number, more = '') =>
  `{"node_id":"n","job_id":"y","status":"completed","contribution_units":${units}${more}}`;

test('records keep type, validation and reason; invalid results stay visible with no units', () => {
  const ledger = unwrap(appendBatch(EMPTY_CONTRIBUTION_LEDGER, manifest, artefacts));
  expect(ledger.records).toMatchObject([
    {
      node_id: 'b',
      job_id: '1',
      job_type: 'shout',
      status: 'completed',
      contribution_units: 2,
      validation_valid: true,
      validation_reason: 'ok',
    },
    {
      node_id: 'a',
      job_id: '2',
      job_type: 'shout',
      status: 'failed',
      contribution_units: 0,
      validation_valid: false,
      validation_reason: 'result_not_completed',
    },
  ]);
  expect(unwrap(parseContributionLedger(renderContributionLedger(ledger))).records).toEqual(ledger.records);
});

test('older records load, and they and unknown fields are written back as they were', () => {
  const ledger = unwrap(appendBatch(unwrap(parseContributionLedger(old)), manifest, artefacts));
  const written = JSON.parse(renderContributionLedger(ledger)) as { note: string; records: unknown[] };
  expect(written.note).toBe('kept');
  expect(written.records).toHaveLength(3);
  expect(written.records[0]).toEqual({
    node_id: 'n',
    job_id: 'x',
    status: 'completed',
    contribution_units: 2,
    weight: 1,
  });
  expect(renderContributionLedger(ledger)).toContain('"weight": 1.0');
});

test('a summary per node adds up its records', () => {
  const once = unwrap(appendBatch(EMPTY_CONTRIBUTION_LEDGER, manifest, artefacts));
  const twice = unwrap(appendBatch(once, manifest, artefacts));
  expect(summariseLedger(twice)).toEqual([
    { node_id: 'a', results: 2, completed_jobs: 0, failed_jobs: 2, contribution_units: 0 },
    { node_id: 'b', results: 2, completed_jobs: 2, failed_jobs: 0, contribution_units: 4 },
  ]);
});

test('the summary as a document counts verdicts where records have them, and is empty for an empty ledger', () => {
  const ledger = unwrap(appendBatch(unwrap(parseContributionLedger(old)), manifest, artefacts));
  expect(JSON.parse(renderLedgerSummary(ledger))).toEqual({
    version: 1,
    nodes: summariseLedger(ledger),
    totals: { nodes: 3, records: 3, valid_results: 1, invalid_results: 1, contribution_units: 4 },
  });
  expect(JSON.parse(renderLedgerSummary(EMPTY_CONTRIBUTION_LEDGER))).toMatchObject({
    nodes: [],
    totals: { records: 0 },
  });
});

test('a record of an assignment is added once; records without an assignment are added each time', () => {
  const done = {
    node_id: 'n',
    job_id: 'y',
    status: 'completed',
    contribution_units: 1,
    assignment_hash: 'ab'.repeat(32),
  };
  const first = unwrap(appendOnce(EMPTY_CONTRIBUTION_LEDGER, [done]));
  const second = unwrap(appendOnce(first.ledger, [done, { ...done, assignment_hash: 'cd'.repeat(32) }]));
  expect([first.added, second.added, second.ledger.records.length]).toEqual([1, 1, 2]);
  const { assignment_hash: _, ...plain } = done;
  expect(unwrap(appendOnce(unwrap(appendOnce(first.ledger, [plain])).ledger, [plain])).ledger.records).toHaveLength(3);
  const withMore = unwrap(
    parseContributionLedger(
      `{"version":1,"records":[${record(1, `,"assignment_hash":"${done.assignment_hash}","more":2`)}]}`,
    ),
  );
  expect(unwrap(appendOnce(withMore, [done])).added).toBe(0);
  expect(appendOnce(withMore, [{ ...done, contribution_units: 2 }])).toMatchObject({
    error: { code: 'conflicting_record' },
  });
});

test.each([
  ['{', 'undecodable'],
  ['[]', 'malformed'],
  ['{"version":2,"records":[]}', 'unknown_version'],
  ['{"version":true,"records":[]}', 'unknown_version'],
  ['{"version":1.0,"records":[]}', 'unknown_version'],
  ['{"records":[]}', 'unknown_version'],
  ['{"version":1}', 'malformed'],
  ['{"version":1,"records":[1]}', 'malformed'],
  ['{"version":1,"records":[{}]}', 'malformed'],
  [old.replace('2,"weight"', '-1,"weight"'), 'malformed'],
  [old.replace('2,"weight"', '2.5,"weight"'), 'malformed'],
  [old.replace('2,"weight"', '2.0,"weight"'), 'malformed'],
  [old.replace('"weight":1.0', '"validation_valid":"yes"'), 'malformed'],
  [old.replace('"weight":1.0', '"result_hash":"ab"'), 'malformed'],
  [old.replace('"weight":1.0', '"assignment_hash":"ab"'), 'malformed'],
  [old.replace('}]', `},${record(Number.MAX_SAFE_INTEGER)}]`), 'malformed'],
])('the ledger %s is refused in one sentence', (text, code) => {
  const read = parseContributionLedger(text);
  expect(read.ok ? 'read' : read.error.code).toBe(code);
  expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
});

test('nothing is recorded that takes the units beyond what can be counted: such a ledger would not be read again', () => {
  const [record] = unwrap(appendBatch(EMPTY_CONTRIBUTION_LEDGER, manifest, artefacts)).records;
  const full = { ...EMPTY_CONTRIBUTION_LEDGER, records: [{ ...record!, contribution_units: Number.MAX_SAFE_INTEGER }] };
  const more = { ...record!, contribution_units: 1, assignment_hash: 'ef'.repeat(32) };
  expect(appendOnce(full, [more])).toMatchObject({ error: { code: 'too_many_units' } });
  expect(appendBatch(full, manifest, artefacts)).toMatchObject({ error: { code: 'too_many_units' } });
  expect(unwrap(appendOnce(full, [{ ...more, contribution_units: 0 }])).added).toBe(1);
});
