import * as v from 'valibot';
import { jsonText, parseJsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { byCodePoint, isBlank } from '../../base/text';
import { isPlainObject } from './payload';
import type { BatchArtefacts, NodeSummary } from './artefacts';
import type { BatchManifest } from './manifest';

/** Largest ledger file that is read and written as a whole. */
export const MAX_LEDGER_CHARACTERS = 64 * 1024 * 1024;
export const CONTRIBUTION_LEDGER_VERSION = 1;

/** What one judged result contributed. The optional fields are absent in records of earlier programs. */
export interface ContributionRecord {
  readonly node_id: string;
  readonly job_id: string;
  readonly status: string;
  readonly contribution_units: number;
  readonly job_type?: string | null;
  readonly validation_valid?: boolean | null;
  readonly validation_reason?: string | null;
  readonly result_hash?: string | null;
}

/** The ledger of one file. Records and fields that this program does not know are kept as they were read. */
export interface ContributionLedger {
  readonly records: readonly ContributionRecord[];
  readonly otherFields: Readonly<Record<string, unknown>>;
}

export const EMPTY_CONTRIBUTION_LEDGER: ContributionLedger = { records: [], otherFields: {} };

const name = v.pipe(
  v.string('must be text'),
  v.check((text) => !isBlank(text), 'must not be blank'),
);
const units = v.pipe(
  v.number('must be an integer'),
  v.safeInteger('must be an integer'),
  v.minValue(0, 'must not be negative'),
);

const knownFields = v.object(
  {
    node_id: name,
    job_id: name,
    status: name,
    contribution_units: units,
    job_type: v.nullish(v.string('must be text')),
    validation_valid: v.nullish(v.boolean('must be true or false')),
    validation_reason: v.nullish(v.string('must be text')),
    result_hash: v.nullish(v.pipe(v.string('must be text'), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'))),
  },
  'is missing',
);

/** The ledger in a file's text; every fault is one sentence. Codes `too_large`, `undecodable`, `unknown_version`, `malformed`. */
export function parseContributionLedger(text: string): Result<ContributionLedger> {
  if (text.length > MAX_LEDGER_CHARACTERS) {
    return fail('too_large', `The ledger is larger than ${MAX_LEDGER_CHARACTERS} characters.`);
  }
  const read = parseJsonText(text);
  if (!read.ok) return read;
  const document = read.value;
  if (!isPlainObject(document)) return fail('malformed', 'The ledger must be an object.');
  const { version, records, ...otherFields } = document;
  if (version !== CONTRIBUTION_LEDGER_VERSION) {
    return fail('unknown_version', `The ledger's version must be ${CONTRIBUTION_LEDGER_VERSION}.`);
  }
  if (!Array.isArray(records)) return fail('malformed', "The ledger's records must be a list.");
  for (const [index, record] of (records as unknown[]).entries()) {
    if (!isPlainObject(record)) return fail('malformed', `The ledger's records[${index}] must be an object.`);
    const known = v.safeParse(knownFields, record, { abortEarly: true, abortPipeEarly: true });
    if (!known.success) {
      const issue = known.issues[0];
      const at = `records[${index}].${v.getDotPath(issue) ?? ''}`;
      return fail('malformed', `The ledger's ${at} ${issue.message}.`);
    }
  }
  return ok({ records: records as ContributionRecord[], otherFields });
}

export function renderContributionLedger(ledger: ContributionLedger): string {
  const document = { ...ledger.otherFields, version: CONTRIBUTION_LEDGER_VERSION, records: ledger.records };
  return jsonText(document, { indent: 2 }) + '\n';
}

/** The ledger with one record per judged result of a finished batch, in job order, at its end. */
export function appendBatch(
  ledger: ContributionLedger,
  manifest: BatchManifest,
  artefacts: BatchArtefacts,
): ContributionLedger {
  const hashByJob = new Map(
    artefacts.messages
      .filter((message) => message.message_type === 'job_result_reported')
      .map((message) => [message.correlation_id, String(message.payload['result_hash'])]),
  );
  const added = manifest.jobs.map((job, index): ContributionRecord => {
    const result = artefacts.results[index]!;
    const validation = artefacts.validations[index]!;
    return {
      node_id: artefacts.assignments[index]!.node_id,
      job_id: job.job_id,
      job_type: job.job_type,
      status: result.status,
      contribution_units: result.contribution_units,
      validation_valid: validation.valid,
      validation_reason: validation.reason,
      result_hash: hashByJob.get(job.job_id) ?? null,
    };
  });
  return { ...ledger, records: [...ledger.records, ...added] };
}

/** What each node of a ledger did, in code point order of the node ids. */
export function summariseLedger(ledger: ContributionLedger): NodeSummary[] {
  const byNode = new Map<string, ContributionRecord[]>();
  for (const record of ledger.records) {
    const known = byNode.get(record.node_id);
    if (known) known.push(record);
    else byNode.set(record.node_id, [record]);
  }
  return [...byNode]
    .sort(([a], [b]) => byCodePoint(a, b))
    .map(([node_id, records]) => ({
      node_id,
      results: records.length,
      completed_jobs: records.filter((record) => record.status === 'completed').length,
      failed_jobs: records.filter((record) => record.status === 'failed').length,
      contribution_units: records.reduce((sum, record) => sum + record.contribution_units, 0),
    }));
}
