import { encodeCanonical } from '../../base/canonical';
import { jsonText, parseJsonText } from '../../base/json-text';
import type { Verify } from '../../base/ports';
import { fail, ok, type Failure, type Result } from '../../base/result';
import { byCodePoint } from '../../base/text';
import { renderAggregate } from './aggregate';
import type { BatchTotals } from './artefacts';
import { manifestHash } from './canonical-manifest';
import { dispatchBatch } from './dispatch';
import { firstDifference } from './first-difference';
import {
  assembleFlow,
  CANCELLED,
  flowPaths,
  receiptDone,
  sealFlow,
  type Flow,
  type FlowDeps,
  type FlowPlan,
} from './flow';
import {
  AGGREGATE_PATH,
  FLOW_LOG_PATH,
  HASHES_PATH,
  MANIFEST_PATH,
  MAX_FLOW_CHARACTERS,
  PEERS_PATH,
  RECEIPTS_PATH,
} from './flow-files';
import { fileHash, parseHashes, type FileHash, type FlowHashes } from './flow-hashes';
import { parseFlowSignatures, signatureBytes, type FlowReceipt } from './flow-receipts';
import type { BatchMessage } from './job-messages';
import { parseManifest, type BatchJob } from './manifest';
import { metadataOf, parseMessageLog, scopeOfManifest } from './message-log';
import type { TextReader } from './named-documents';
import { parsePeers, rosterOfPeers } from './peers';
import { DOCUMENT_VERSION } from './read-document';
import type { ReportedResult } from './report';
import { reportedResult } from './reported-results';

export interface AuditDeps extends FlowDeps {
  readonly verify: Verify;
}

/** What a clean audit found. */
export interface FlowAudit {
  readonly plan: FlowPlan;
  readonly flow: Flow;
  readonly hashes: FlowHashes;
  readonly totals: BatchTotals;
}

/**
 * Reads a finished flow and believes none of it: every file must have its hash, and everything but the reported results is made
 * again from the manifest and them (assignments, verdicts by doing each job again, messages, references, ledger,
 * states, logs, receipts, totals) and must be what stands there, byte for byte. Then every signature is verified. Changes nothing.
 * The first fault is one sentence that begins with the file's path; codes `missing_file`, `inconsistent`, those of the
 * documents, and what the reader fails with.
 */
export async function auditFlow(read: TextReader, deps: AuditDeps): Promise<Result<FlowAudit>> {
  const opened = await openFlow(read, deps);
  if (!opened.ok) return opened;
  const { flow, plan, texts, hashes } = opened.value;
  for (const [path, expected] of flow.files) {
    const wrong = path === HASHES_PATH ? null : difference(expected, texts.get(path)!);
    if (wrong !== null) return inconsistent(path, wrong);
  }
  const wrong = difference(flow.files.get(HASHES_PATH)!, texts.get(HASHES_PATH)!);
  if (wrong !== null) return inconsistent(HASHES_PATH, wrong);
  for (const [index, receipt] of flow.receipts.entries()) {
    const [signature] = receipt.signatures;
    const bytes = signature ? signatureBytes(signature) : null;
    const good = bytes !== null && (await deps.verify(receipt.body.node_key, encodeCanonical(receipt.body), bytes));
    if (!good) return inconsistent(RECEIPTS_PATH, `the signature of receipts[${index}] does not match it`);
    if (!(await receiptDone(deps, flow.manifest, index + 1))) return CANCELLED;
  }
  const { totals } = metadataOf(flow.messages, scopeOfManifest(flow.manifest));
  const audit: FlowAudit = { plan, flow, hashes, totals };
  const aggregate = await read(AGGREGATE_PATH);
  if (!aggregate.ok) return aggregate;
  if (aggregate.value !== null) {
    const differs = difference(renderAggregate(audit, deps.jobTypes), aggregate.value);
    if (differs !== null) return inconsistent(AGGREGATE_PATH, differs);
  }
  return ok(audit);
}

interface OpenedFlow {
  readonly plan: FlowPlan;
  readonly hashes: FlowHashes;
  readonly texts: ReadonlyMap<string, string>;
  readonly flow: Flow;
}

/** The files of a flow with their hashes checked, and the flow as it must be by its manifest and its reported results. */
async function openFlow(read: TextReader, deps: AuditDeps): Promise<Result<OpenedFlow>> {
  const texts = new Map<string, string>();
  const take = async <T>(path: string, parse: (text: string) => Result<T>, hash?: FileHash): Promise<Result<T>> => {
    const text = await read(path);
    if (!text.ok) return text;
    if (text.value === null)
      return fail('missing_file', `${path} is missing${path === HASHES_PATH ? ': this is no finished flow' : ''}.`);
    if (hash !== undefined) {
      const found = fileHash(path, text.value);
      if (found.bytes !== hash.bytes || found.sha256 !== hash.sha256) {
        return inconsistent(path, `the file has another SHA-256 than ${HASHES_PATH} says`);
      }
    }
    texts.set(path, text.value);
    const parsed = parse(text.value);
    return parsed.ok ? parsed : inFile(path, parsed.error);
  };
  const hashes = await take(HASHES_PATH, parseHashes);
  if (!hashes.ok) return hashes;
  const { files } = hashes.value;
  if (files.reduce((sum, file) => sum + file.bytes, 0) > 4 * MAX_FLOW_CHARACTERS) {
    return inconsistent(HASHES_PATH, 'the files are larger than a flow may be');
  }
  const hashByPath = new Map(files.map((file) => [file.path, file]));
  const listed = <T>(path: string, parse: (text: string) => Result<T>): Promise<Result<T>> => {
    const hash = hashByPath.get(path);
    return hash ? take(path, parse, hash) : Promise.resolve(inconsistent(HASHES_PATH, `${path} is not listed`));
  };

  const manifest = await listed(MANIFEST_PATH, parseManifest);
  if (!manifest.ok) return manifest;
  if (manifestHash(manifest.value) !== hashes.value.manifest_hash) {
    return inconsistent(HASHES_PATH, 'manifest_hash is not that of the manifest');
  }
  const peers = hashes.value.peer_derived ? await listed(PEERS_PATH, parsePeers) : ok(null);
  if (!peers.ok) return peers;
  if (peers.value !== null) {
    const roster = jsonText(rosterOfPeers(peers.value));
    if (roster !== jsonText(manifest.value.nodes))
      return inconsistent(MANIFEST_PATH, `the nodes are not those of ${PEERS_PATH}`);
  }
  const plan: FlowPlan = { transport: hashes.value.transport, peers: peers.value };

  const dispatch = dispatchBatch(manifest.value, deps.jobTypes);
  if (!dispatch.ok) return inFile(MANIFEST_PATH, dispatch.error);
  const expected = flowPaths(manifest.value, plan, dispatch.value).filter((path) => path !== HASHES_PATH);
  const inOrder = JSON.stringify([...expected].sort(byCodePoint)) === JSON.stringify(files.map((file) => file.path));
  if (!inOrder)
    return inconsistent(HASHES_PATH, 'the files are not exactly those that this flow leaves, in their order');
  for (const path of expected) {
    if (texts.has(path) || path === FLOW_LOG_PATH || path === RECEIPTS_PATH) continue;
    const taken = await listed(path, ok);
    if (!taken.ok) return taken;
  }

  const log = await listed(FLOW_LOG_PATH, parseMessageLog);
  if (!log.ok) return log;
  const reports = reportsIn(log.value, manifest.value.jobs, deps);
  if (!reports.ok) return inFile(FLOW_LOG_PATH, reports.error);
  const unsigned = await assembleFlow(manifest.value, plan, deps, (job) => reports.value.get(job.job_id)!);
  if (!unsigned.ok) return unsigned.error.code === 'cancelled' ? unsigned : inFile(MANIFEST_PATH, unsigned.error);
  const signatures = await listed(RECEIPTS_PATH, parseFlowSignatures);
  if (!signatures.ok) return signatures;
  const { bodies } = unsigned.value;
  if (signatures.value.length !== bodies.length) {
    return inconsistent(RECEIPTS_PATH, `there are ${signatures.value.length} receipts for ${bodies.length} jobs`);
  }
  // Whose signature must stand there is known; whether it is one is seen later.
  const receipts = bodies.map((body, index): FlowReceipt => {
    const { signature } = signatures.value[index]!;
    return { body, signatures: [{ key_id: body.node_key, signature }] };
  });
  return ok({ plan, hashes: hashes.value, texts, flow: sealFlow(unsigned.value, plan, receipts) });
}

/** What the log reports of each job. */
function reportsIn(
  messages: readonly BatchMessage[],
  jobs: readonly BatchJob[],
  { jobTypes }: FlowDeps,
): Result<ReadonlyMap<string, ReportedResult>> {
  const typeByJob = new Map(jobs.map((job) => [job.job_id, jobTypes.get(job.job_type)]));
  const reports = new Map<string, ReportedResult>();
  for (const message of messages) {
    if (message.message_type !== 'job_result_reported') continue;
    const jobId = message.correlation_id!;
    if (reports.has(jobId)) return fail('inconsistent', `The job ${JSON.stringify(jobId)} is reported twice.`);
    reports.set(jobId, reportedResult(message, typeByJob.get(jobId)));
  }
  const missing = jobs.find((job) => !reports.has(job.job_id));
  if (missing) return fail('inconsistent', `No result of the job ${JSON.stringify(missing.job_id)} is reported.`);
  return ok(reports);
}

/** What is wrong with a text that must be another, as the rest of a sentence; null when it is the same. */
function difference(expected: string, actual: string): string | null {
  if (expected === actual) return null;
  const read = parseJsonText(actual);
  if (!read.ok) return read.error.message.replace(/\.$/, '');
  const must = parseJsonText(expected);
  const found = must.ok ? firstDifference(must.value, read.value) : null;
  return found ?? 'it says what it must, but is not written as a flow writes it';
}

const inconsistent = (path: string, what: string) => fail('inconsistent', `${path}: ${what}.`);

const inFile = (path: string, { code, message }: Failure) => fail(code, `${path}: ${message}`);

/** A clean audit as a document. */
export function renderAudit({ plan, flow, hashes, totals }: FlowAudit): string {
  const document = {
    version: DOCUMENT_VERSION,
    kind: 'flow_audit',
    clean: true,
    simulated: true,
    transport: plan.transport,
    peer_derived: plan.peers !== null,
    manifest_hash: flow.manifestHash,
    checked: {
      files: hashes.files.length + 1,
      messages: flow.messages.length,
      results: flow.processed.length,
      receipts: flow.receipts.length,
      signatures: flow.receipts.length,
      ledger_records: flow.processed.length,
    },
    totals,
  };
  return jsonText(document, { indent: 2 }) + '\n';
}
