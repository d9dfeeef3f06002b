import * as v from 'valibot';
import { equalJson, jsonText } from '../../base/json-text';
import { fail, ok, type Result } from '../../base/result';
import { byCodePoint, isBlank } from '../../base/text';
import { settledJobs, type BatchArtefacts, type NodeSummary } from './artefacts';
import type { BatchManifest } from './manifest';
import { isPlainObject } from './payload';
import { DOCUMENT_VERSION, readDocument } from './read-document';
import type { SettledJob } from './settled-job';

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
  /** SHA-256 over the assignment that was done (see `assignmentHash`); the same assignment is recorded once. */
  readonly assignment_hash?: string | null;
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

const sha256Hex = v.pipe(v.string('must be text'), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'));

const knownFields = v.object(
  {
    node_id: name,
    job_id: name,
    status: name,
    contribution_units: units,
    job_type: v.nullish(v.string('must be text')),
    validation_valid: v.nullish(v.boolean('must be true or false')),
    validation_reason: v.nullish(v.string('must be text')),
    result_hash: v.nullish(sha256Hex),
    assignment_hash: v.nullish(sha256Hex),
  },
  'is missing',
);

/** The ledger in a file's text; every fault is one sentence. Codes `too_large`, `undecodable`, `unknown_version`, `malformed`. */
export function parseContributionLedger(text: string): Result<ContributionLedger> {
  const document = readDocument(text, 'ledger');
  if (!document.ok) return document;
  const { version: _, records, ...otherFields } = document.value;
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
  const ledger = { records: records as ContributionRecord[], otherFields };
  // Each count is a safe integer, but a sum of them may not be, and then it would say something wrong.
  if (!Number.isSafeInteger(unitsIn(ledger.records))) {
    return fail('malformed', "The ledger's units add up to more than can be counted.");
  }
  return ok(ledger);
}

export function renderContributionLedger(ledger: ContributionLedger): string {
  const document = { ...ledger.otherFields, version: DOCUMENT_VERSION, records: ledger.records };
  return jsonText(document, { indent: 2 }) + '\n';
}

/** What a settled job contributed. */
export const contributionOf = ({ job, nodeId, reported, judgement, resultHash }: SettledJob): ContributionRecord => ({
  node_id: nodeId,
  job_id: job.job_id,
  job_type: job.job_type,
  status: reported.status,
  contribution_units: judgement.units,
  validation_valid: judgement.validation.valid,
  validation_reason: judgement.validation.reason,
  result_hash: resultHash,
});

/** The ledger with one record per judged result of a finished batch, in job order, at its end. Code `too_many_units`. */
export const appendBatch = (
  ledger: ContributionLedger,
  manifest: BatchManifest,
  artefacts: BatchArtefacts,
): Result<ContributionLedger> => withRecords(ledger, settledJobs(manifest, artefacts).map(contributionOf));

/** A ledger whose units add up to more than can be counted would never be read again. */
function withRecords(ledger: ContributionLedger, added: readonly ContributionRecord[]): Result<ContributionLedger> {
  const records = [...ledger.records, ...added];
  return Number.isSafeInteger(unitsIn(records))
    ? ok({ ...ledger, records })
    : fail('too_many_units', "The ledger's units would add up to more than can be counted; use another file.");
}

/**
 * The ledger with those records at its end whose assignment it does not hold yet, and how many were added. A record of the
 * same assignment that says something else is refused (`conflicting_record`): work is the same each time it is done.
 * Code `too_many_units`.
 */
export function appendOnce(
  ledger: ContributionLedger,
  records: readonly ContributionRecord[],
): Result<{ readonly ledger: ContributionLedger; readonly added: number }> {
  const known = new Map(ledger.records.map((record) => [record.assignment_hash ?? null, record]));
  const added: ContributionRecord[] = [];
  for (const record of records) {
    const held = known.get(record.assignment_hash ?? '');
    if (held === undefined) added.push(record);
    else if (
      !Object.entries(record).every(([field, value]) => equalJson(value, held[field as keyof ContributionRecord]))
    )
      return fail(
        'conflicting_record',
        `The ledger holds another record of the assignment of the job ${JSON.stringify(record.job_id)}.`,
      );
  }
  const after = withRecords(ledger, added);
  return after.ok ? ok({ ledger: after.value, added: added.length }) : after;
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
      contribution_units: unitsIn(records),
    }));
}

/** The summary as a document, with the figures of the whole ledger. */
export function renderLedgerSummary(ledger: ContributionLedger): string {
  const nodes = summariseLedger(ledger);
  const verdicts = ledger.records.map((record) => record.validation_valid);
  const document = {
    version: DOCUMENT_VERSION,
    nodes,
    totals: {
      nodes: nodes.length,
      records: ledger.records.length,
      valid_results: verdicts.filter((valid) => valid === true).length,
      invalid_results: verdicts.filter((valid) => valid === false).length,
      contribution_units: unitsIn(ledger.records),
    },
  };
  return jsonText(document, { indent: 2 }) + '\n';
}

const unitsIn = (records: readonly ContributionRecord[]): number =>
  records.reduce((sum, record) => sum + record.contribution_units, 0);
