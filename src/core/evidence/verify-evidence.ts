import { equalBytes } from '../base/bytes';
import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { ok, type Failure, type Result } from '../base/result';
import type { TaskPacket } from '../ledger/cards/task-packet';
import type { Receipt } from '../ledger/receipts';
import { idOfSigned, type Signed } from '../wire/signed';
import { readAskedPacket } from './asked-packet';
import {
  artefactsOf,
  FIRST_SEAL,
  FIRST_SEAL_REPORT,
  hasWords,
  INDEX,
  INDEX_TEXT,
  METADATA,
  POLICY,
  SECOND_SEAL,
  STATUS,
  TERMINAL_RECEIPT,
  type ArtefactRole,
  type Files,
  type SealStage,
} from './artefacts';
import { indexSchema, indexText, metadataReport } from './artefact-index';
import { unpackBundle } from './bundle-file';
import {
  checkPolicy,
  GATE_DEMANDS,
  GATES,
  policyOf,
  policySchema,
  statusOf,
  travelDrift,
  type GateName,
} from './bundle-policy';
import { listWithCid } from './check-files';
import { buildDocuments, documentBytes, readDocument, readSources, reportTraces, type ReadSources } from './documents';
import { readingOf } from './openings';
import type { Replay } from './replay-trace';
import { checkCoverage, firstSealReport, openSeal, openVerification, verificationOf, verifySeal } from './stage-seal';
import { seeSignatures, type SeenSignature, type Statement } from './statement-file';

/** Something that does not hold: `where` names an artefact by its path, or a part of the file. */
export interface EvidenceFailure extends Failure {
  readonly where: string;
}

export interface GateView {
  readonly gate: GateName;
  /** One sentence for a person: what it takes to pass. */
  readonly demand: string;
  readonly ok: boolean;
  /** False where an earlier failure left nothing to look at. */
  readonly looked: boolean;
}

export interface ArtefactView {
  readonly path: string;
  readonly role: ArtefactRole;
  readonly purpose: string;
  readonly sealStage: SealStage;
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
  readonly cid: string | null;
  readonly ok: boolean;
}

export interface SealView {
  readonly stage: 1 | 2 | 'terminal';
  readonly signedBy: NodeId | null;
  /** The signer's own word. */
  readonly at: number | null;
  readonly checkedCount: number;
  readonly failureCount: number;
  readonly ok: boolean;
}

export interface ReceiptReport {
  readonly id: string;
  readonly receipt: Receipt;
  readonly signatures: readonly SeenSignature[];
  /** Content ids that the receipt names and that lie in this bundle, of all that it names. */
  readonly statementsHere: number;
  readonly statementsNamed: number;
}

export interface StatementReport {
  readonly id: string;
  readonly type: Statement['type'];
  readonly traceId: string;
  readonly author: NodeId;
  readonly signatures: readonly SeenSignature[];
}

/** The signed request behind a trace, as far as it says more than the words. */
export interface PacketReport {
  readonly id: string;
  readonly signatures: readonly SeenSignature[];
  /** Null: it says none. */
  readonly maxChargeMicros: number | null;
  readonly privacyLevel: TaskPacket['privacyLevel'];
  /** Epoch milliseconds by the requester's clock. */
  readonly at: number;
  readonly expiresAt: number;
}

/** Words that were laid open: what was asked, and what an executor gave for it. */
export interface WordsReport {
  readonly traceId: string | null;
  readonly commitment: string | null;
  readonly input: unknown;
  readonly output: unknown;
  /** Of what was asked: null where no packet came with it. */
  readonly packet: PacketReport | null;
}

/** Everything that a stranger can find out about a bundle from the bundle alone. */
export interface EvidenceReport {
  /** Both seals verify with no failure, the terminal receipt is there and says so, and nothing else failed. */
  readonly reviewable: boolean;
  readonly failures: readonly EvidenceFailure[];
  readonly gates: readonly GateView[];
  readonly artefacts: readonly ArtefactView[];
  readonly seals: readonly SealView[];
  readonly receipts: readonly ReceiptReport[];
  readonly statements: readonly StatementReport[];
  readonly traces: readonly Replay[];
  readonly withWords: boolean;
  readonly words: readonly WordsReport[];
}

/**
 * Verifies a bundle file with nothing but the file: every byte of it, every document generated again from the sources, every
 * signature, both seals, the terminal receipt. Fails only for what is no bundle at all: `too_large`, `not_a_bundle`.
 */
export async function verifyBundle(bytes: Uint8Array<ArrayBuffer>, verify: Verify): Promise<Result<EvidenceReport>> {
  const unpacked = unpackBundle(bytes);
  if (!unpacked.ok) return unpacked;
  const { files, paths, faults } = unpacked.value;
  return ok(
    await verifyEvidence(files, verify, {
      paths,
      failures: faults.map(({ code, where, message }) => ({ code, where, message })),
    }),
  );
}

interface Container {
  /** What travels, as listed. */
  readonly paths: readonly string[];
  readonly failures: readonly EvidenceFailure[];
}

/** The same for files that lie in a folder: the container is then only the list of what is there. */
export async function verifyEvidence(
  files: Files,
  verify: Verify,
  container: Container = { paths: [...files.keys()], failures: [] },
): Promise<EvidenceReport> {
  const withWords = hasWords({ has: (path) => files.has(path) || container.paths.includes(path) });
  const book = createBook();
  for (const failure of container.failures) book.fail('container', failure.where, failure);
  book.look('container');

  const seals: SealView[] = [];
  let words: readonly WordsReport[] = [];
  let receipts: readonly ReceiptReport[] = [];
  let statements: readonly StatementReport[] = [];
  let traces: readonly Replay[] = [];
  // A file that is damaged as a file is not read further: everything after would only repeat it in other words.
  if (container.failures.length === 0) {
    const read = readSources(files);
    book.look('sources');
    if (!read.ok) book.fail('sources', placeOf(read.error.message), read.error);
    else {
      const sources = read.value;
      receipts = await seeReceipts(sources, verify, book);
      statements = await seeStatements(sources, verify, book);
      words = await seeWords(sources, verify, book);
      const report = reportTraces(sources, sources.rewritten.manifest);
      traces = report.replays;
      for (const { traceId, differences } of traces)
        for (const { code, message } of differences)
          book.fail('sources', `trace ${traceId}`, { code, message: `Trace ${traceId}: ${message}` });
      compareDocuments(files, book);
    }
    compareMetadata(files, withWords, container.paths, book);
    await verifySeals(files, verify, book, seals);
  }

  const { failures, gates } = book;
  return {
    reviewable: failures.length === 0 && gates.every(({ looked, ok: holds }) => looked && holds),
    failures,
    gates,
    artefacts: artefactsOf(withWords).map(({ path, role, purpose, sealStage }) => {
      const bytes = files.get(path);
      const listed = bytes === undefined ? null : listWithCid(path, bytes);
      return {
        path,
        role,
        purpose,
        sealStage,
        sizeBytes: listed?.sizeBytes ?? null,
        sha256: listed?.sha256 ?? null,
        cid: listed?.cid ?? null,
        ok: listed !== null && !failures.some(({ where }) => where.split(' and ').includes(path)),
      };
    }),
    seals,
    receipts,
    statements,
    traces,
    withWords,
    words,
  };
}

interface Book {
  readonly failures: EvidenceFailure[];
  readonly gates: readonly GateView[];
  look(gate: GateName): void;
  fail(gate: GateName, where: string, failure: Failure): void;
}

function createBook(): Book {
  const failures: EvidenceFailure[] = [];
  const looked = new Set<GateName>();
  const failed = new Set<GateName>();
  return {
    failures,
    get gates() {
      return GATES.map((gate) => ({
        gate,
        demand: GATE_DEMANDS[gate],
        looked: looked.has(gate),
        ok: looked.has(gate) && !failed.has(gate),
      }));
    },
    look: (gate) => void looked.add(gate),
    fail(gate, where, { code, message }) {
      looked.add(gate);
      failed.add(gate);
      failures.push({ code, where, message });
    },
  };
}

/** The sources' own messages begin with the file that they are about. */
const placeOf = (message: string): string => /^([^\s:]+):/.exec(message)?.[1] ?? 'the sources';

async function seeReceipts(sources: ReadSources, verify: Verify, book: Book): Promise<ReceiptReport[]> {
  const reports: ReceiptReport[] = [];
  for (const { id, signed, receipt } of sources.receipts.values()) {
    const signatures = await seeSignatures(signed, verify);
    const named = new Set([receipt.requester, receipt.executor, ...receipt.validators]);
    const where = `receipt ${id}`;
    for (const { node, valid } of signatures) {
      if (!valid)
        book.fail('sources', where, {
          code: 'bad_signature',
          message: `Receipt ${id}: the signature by ${node} does not match.`,
        });
      if (!named.has(node))
        book.fail('sources', where, {
          code: 'foreign_signature',
          message: `Receipt ${id} is signed by a node that it does not name.`,
        });
    }
    if (new Set(signatures.map(({ node }) => node)).size < signatures.length)
      book.fail('sources', where, {
        code: 'duplicate_signature',
        message: `Receipt ${id} is signed twice by one node.`,
      });
    const ids = [...(receipt.commitment === null ? [] : [receipt.commitment]), ...receipt.verdicts];
    const here = ids.filter((one) => sources.statements.has(one));
    reports.push({ id, receipt, signatures, statementsHere: here.length, statementsNamed: ids.length });
    for (const one of here) {
      const { statement } = sources.statements.get(one)!;
      const about =
        statement.type !== 'seal' &&
        statement.jobId === receipt.jobId &&
        statement.executor === receipt.executor &&
        statement.requester === receipt.requester;
      if (!about)
        book.fail('sources', where, {
          code: 'statement_differs',
          message: `Receipt ${id} names a statement about another job.`,
        });
    }
  }
  return reports;
}

async function seeStatements(sources: ReadSources, verify: Verify, book: Book): Promise<StatementReport[]> {
  const reports: StatementReport[] = [];
  for (const { id, signed, statement, author } of sources.statements.values()) {
    const signatures = await seeSignatures(signed, verify);
    const byAuthor = signatures.length === 1 && signatures[0]!.node === author;
    if (!byAuthor || !signatures[0]!.valid) {
      book.fail('sources', `${statement.type} ${id}`, {
        code: byAuthor ? 'bad_signature' : 'signer_missing',
        message: byAuthor
          ? `The signature of the ${statement.type} ${id} does not match.`
          : `The ${statement.type} ${id} is not signed by its author alone.`,
      });
    }
    reports.push({ id, type: statement.type, traceId: statement.traceId, author, signatures });
  }
  return reports;
}

/** Every document of the first stage, generated again from the sources, must have the very bytes that are there. */
function compareDocuments(files: Files, book: Book): void {
  book.look('documents');
  const built = buildDocuments(files);
  if (!built.ok) {
    // What keeps them from being built is told by the sources already, where it is a trace.
    if (built.error.code !== 'trace_differs') book.fail('documents', placeOf(built.error.message), built.error);
    return;
  }
  for (const [path, bytes] of built.value) compare(files, path, bytes, 'documents', book);
}

function compare(files: Files, path: string, expected: Uint8Array, gate: GateName, book: Book): void {
  book.look(gate);
  const there = files.get(path);
  if (there === undefined) return book.fail(gate, path, { code: 'missing_artefact', message: `${path} is missing.` });
  if (!equalBytes(there, expected))
    book.fail(gate, path, { code: 'document_differs', message: `${path} is not what follows from the rest.` });
}

function compareMetadata(files: Files, withWords: boolean, paths: readonly string[], book: Book): void {
  const index = readDocument(indexSchema, files, INDEX);
  book.look('index');
  if (!index.ok) book.fail('index', INDEX, { ...index.error, message: `${INDEX}: ${index.error.message}` });
  const metadata = metadataReport(files);
  if (metadata.ok && !metadata.value.jsonIndex.ok)
    book.fail('index', INDEX, {
      code: 'index_differs',
      message: `${INDEX} is not the index that is made from the table of artefacts.`,
    });
  compare(files, INDEX_TEXT, new TextEncoder().encode(indexText(withWords)), 'index-text', book);
  compare(files, STATUS, documentBytes(statusOf(withWords)), 'status', book);
  if (metadata.ok) compare(files, METADATA, documentBytes(metadata.value), 'metadata', book);

  const policy = readDocument(policySchema, files, POLICY);
  book.look('policy');
  if (!policy.ok) book.fail('policy', POLICY, { ...policy.error, message: `${POLICY}: ${policy.error.message}` });
  else {
    const holds = checkPolicy(policy.value);
    if (!holds.ok) book.fail('policy', POLICY, holds.error);
    compare(files, POLICY, documentBytes(policyOf(withWords)), 'policy', book);
  }

  book.look('travel-drift');
  const drift = travelDrift(paths, withWords);
  for (const path of drift.missing)
    book.fail('travel-drift', path, {
      code: 'missing_artefact',
      message: `${path} should be in the bundle and is not.`,
    });
  for (const path of drift.extra)
    book.fail('travel-drift', path, { code: 'extra_artefact', message: `${path} is in the bundle and should not be.` });
  for (const path of drift.duplicates)
    book.fail('travel-drift', path, { code: 'duplicate_artefact', message: `${path} is in the bundle twice.` });
}

async function verifySeals(files: Files, verify: Verify, book: Book, seals: SealView[]): Promise<void> {
  book.look('first-seal');
  const first = await openSeal(files, 1, verify);
  if (!first.ok) {
    book.fail('first-seal', FIRST_SEAL, first.error);
    seals.push(unread(1));
  } else {
    const covers = checkCoverage(first.value.body, 1, files);
    if (!covers.ok) book.fail('first-seal', FIRST_SEAL, covers.error);
    const check = verifySeal(first.value.body, files);
    noteChecks(check, 'first-seal', FIRST_SEAL, book);
    compare(files, FIRST_SEAL_REPORT, documentBytes(firstSealReport(first.value.body, files)), 'first-seal', book);
    seals.push(sealView(1, first.value.signer, first.value.body.at, check, covers.ok));
  }

  book.look('second-seal');
  const second = await openSeal(files, 2, verify);
  if (!second.ok) {
    book.fail('second-seal', SECOND_SEAL, second.error);
    seals.push(unread(2));
  } else {
    const covers = checkCoverage(second.value.body, 2, files);
    if (!covers.ok) book.fail('second-seal', SECOND_SEAL, covers.error);
    const check = verifySeal(second.value.body, files);
    noteChecks(check, 'second-seal', SECOND_SEAL, book);
    const follows =
      first.ok && second.value.body.inherits === first.value.id && second.value.signer === first.value.signer;
    if (first.ok && !follows)
      book.fail('second-seal', SECOND_SEAL, {
        code: 'foreign_seal',
        message: 'The second seal does not follow the first one of the same node.',
      });
    seals.push(sealView(2, second.value.signer, second.value.body.at, check, covers.ok && follows));
  }

  book.look('terminal-receipt');
  const terminal = await openVerification(files, verify);
  if (!terminal.ok) {
    book.fail('terminal-receipt', TERMINAL_RECEIPT, terminal.error);
    seals.push(unread('terminal'));
    return;
  }
  const { body, signer } = terminal.value;
  const told = (code: string, message: string) => book.fail('terminal-receipt', TERMINAL_RECEIPT, { code, message });
  if (!body.ok || body.failureCount > 0)
    told('not_verified', 'The terminal receipt itself says that something failed.');
  if (second.ok) {
    const again = documentBytes(verificationOf(second.value, files, signer, body.at));
    if (!equalBytes(again, documentBytes(body)))
      told('document_differs', 'The terminal receipt says something else than verifying the second seal again.');
    if (second.value.signer !== signer)
      told('foreign_seal', 'The terminal receipt is signed by another node than the seals.');
  }
  seals.push({
    stage: 'terminal',
    signedBy: signer,
    at: body.at,
    checkedCount: body.checkedCount,
    failureCount: body.failureCount,
    ok: body.ok && body.failureCount === 0 && !book.failures.some(({ where }) => where === TERMINAL_RECEIPT),
  });
}

function noteChecks(
  check: {
    readonly countOk: boolean;
    readonly checks: readonly { readonly path: string; readonly exists: boolean; readonly ok: boolean }[];
  },
  gate: GateName,
  sealPath: string,
  book: Book,
): void {
  if (!check.countOk)
    book.fail(gate, sealPath, {
      code: 'count_differs',
      message: `${sealPath} states another number of files than it lists.`,
    });
  for (const { path, exists, ok: holds } of check.checks) {
    if (holds) continue;
    book.fail(
      gate,
      path,
      exists
        ? { code: 'artefact_changed', message: `${path} is not what was sealed.` }
        : { code: 'missing_artefact', message: `${path} was sealed and is missing.` },
    );
  }
}

const sealView = (
  stage: 1 | 2,
  signedBy: NodeId,
  at: number,
  { checkedCount, failureCount, ok: holds }: { checkedCount: number; failureCount: number; ok: boolean },
  fits: boolean,
): SealView => ({ stage, signedBy, at, checkedCount, failureCount, ok: holds && fits });

const unread = (stage: SealView['stage']): SealView => ({
  stage,
  signedBy: null,
  at: null,
  checkedCount: 0,
  failureCount: 1,
  ok: false,
});

/** The words, and the signature under each request. */
async function seeWords({ openings, statements }: ReadSources, verify: Verify, book: Book): Promise<WordsReport[]> {
  const reports: WordsReport[] = [];
  for (const { traceId, input, packet } of openings.requests) {
    const seen = packet === null ? null : await seePacket(packet, verify, book);
    reports.push({ traceId, commitment: null, input: readingOf(input), output: null, packet: seen });
  }
  for (const { commitment, input, output } of openings.jobs) {
    const traceId = statements.get(commitment)?.statement.traceId ?? null;
    reports.push({ traceId, commitment, input: readingOf(input), output: readingOf(output), packet: null });
  }
  return reports;
}

async function seePacket(signed: Signed, verify: Verify, book: Book): Promise<PacketReport | null> {
  const packet = readAskedPacket(signed);
  // What cannot be read is told with the trace.
  if (!packet.ok) return null;
  const id = idOfSigned(signed);
  const signatures = await seeSignatures(signed, verify);
  if (!signatures.every(({ valid }) => valid))
    book.fail('sources', `task packet ${id}`, {
      code: 'bad_signature',
      message: `The signature of the task packet ${id} does not match.`,
    });
  const { budget, privacyLevel, at, expiresAt } = packet.value;
  return { id, signatures, maxChargeMicros: budget?.maxChargeMicros ?? null, privacyLevel, at, expiresAt };
}
