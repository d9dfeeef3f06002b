import { expect, test } from 'vitest';
import { unwrap } from '#core/base/result';
import { shoutJob, shoutTypes } from '#tests/fakes/shout-job';
import {
  appendBatch,
  EMPTY_CONTRIBUTION_LEDGER,
  parseContributionLedger,
  renderContributionLedger,
  summariseLedger,
} from './contribution-ledger';
import { readManifest } from './manifest';
import { runBatch } from './run-batch';

const manifest = unwrap(readManifest({ version: 1, nodes: ['b', 'a'], jobs: [shoutJob('1'), shoutJob('2', null)] }));
const artefacts = unwrap(runBatch(manifest, shoutTypes));
const old =
  '{"note":"kept","version":1,"records":[{"node_id":"n","job_id":"x","status":"completed","contribution_units":2,"weight":1.0}]}';

test('records keep type, validation and reason; invalid results stay visible with no units', () => {
  const ledger = appendBatch(EMPTY_CONTRIBUTION_LEDGER, manifest, artefacts);
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
  const ledger = appendBatch(unwrap(parseContributionLedger(old)), manifest, artefacts);
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
  const twice = appendBatch(appendBatch(EMPTY_CONTRIBUTION_LEDGER, manifest, artefacts), manifest, artefacts);
  expect(summariseLedger(twice)).toEqual([
    { node_id: 'a', results: 2, completed_jobs: 0, failed_jobs: 2, contribution_units: 0 },
    { node_id: 'b', results: 2, completed_jobs: 2, failed_jobs: 0, contribution_units: 4 },
  ]);
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
])('the ledger %s is refused in one sentence', (text, code) => {
  const read = parseContributionLedger(text);
  expect(read.ok ? 'read' : read.error.code).toBe(code);
  expect(read.ok ? '' : read.error.message).toMatch(/^[^\n]+\.$/);
});
