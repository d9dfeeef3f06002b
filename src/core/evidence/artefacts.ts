/** Which seal covers an artefact. The second seal and the receipt of its verification are covered by none. */
export type SealStage = 'first' | 'second' | 'none';

export type ArtefactRole =
  | 'source'
  | 'words'
  | 'receipts'
  | 'derived'
  | 'manifest'
  | 'report'
  | 'seal'
  | 'verification'
  | 'index'
  | 'policy'
  | 'status'
  | 'metadata'
  | 'terminal';

/** Why an artefact travels; each class has one reason. */
export type PolicyClass =
  'sealed-evidence' | 'first-seal' | 'seal-verification' | 'metadata-and-receipts' | 'second-seal' | 'terminal-receipt';

export interface Artefact {
  readonly path: string;
  readonly producer: string;
  readonly schema: string;
  readonly verifier: string;
  readonly purpose: string;
  readonly sealStage: SealStage;
  readonly role: ArtefactRole;
  readonly policyClass: PolicyClass;
  /** Only in bundles whose maker chose to show the words of question and answer. */
  readonly onlyWithWords?: true;
}

export const TRACES = 'traces.jsonl';
export const STATEMENTS = 'statements.jsonl';
export const OPENINGS = 'openings.jsonl';
export const RECEIPTS = 'receipts.jsonl';
export const CANONICAL_TRACES = 'evidence/traces.canonical.jsonl';
export const REWRITE_MANIFEST = 'evidence/traces.canonical.jsonl.manifest.json';
export const TRACE_REPORT = 'evidence/trace-report.json';
export const SUMMARY = 'evidence/summary.json';
export const BUNDLE_MANIFEST = 'evidence/bundle-manifest.json';
export const VERIFY_REPORT = 'evidence/verify-report.json';
export const PIPELINE_RESULT = 'evidence/pipeline-result.json';
export const FIRST_SEAL = 'evidence/first-seal.json';
export const FIRST_SEAL_REPORT = 'seal/first-seal-verify-report.json';
export const INDEX = 'seal/index.json';
export const INDEX_TEXT = 'seal/index.md';
export const POLICY = 'seal/policy.json';
export const STATUS = 'seal/status.json';
export const METADATA = 'seal/metadata-report.json';
export const SECOND_SEAL = 'seal/second-seal.json';
export const TERMINAL_RECEIPT = 'seal/terminal-receipt.json';

const BUILT = 'evidence build';
const SEALED = 'evidence seal';

/**
 * Everything that an evidence bundle may hold, in the order in which it travels: index, policy, seals and checks are all made
 * from this table.
 */
const ARTEFACTS: readonly Artefact[] = [
  {
    path: TRACES,
    producer: 'pipeline of the requester',
    schema: 'trace@1',
    verifier: 'schema, replay, first seal',
    purpose: 'what was done for each request, step by step',
    sealStage: 'first',
    role: 'source',
    policyClass: 'sealed-evidence',
  },
  {
    path: STATEMENTS,
    producer: 'executors, validators, requester',
    schema: 'signed commitment@1, verdict@1, seal@1',
    verifier: 'signatures, replay, first seal',
    purpose: 'what each node signed: its commitment, its verdict, its seal',
    sealStage: 'first',
    role: 'source',
    policyClass: 'sealed-evidence',
  },
  {
    path: OPENINGS,
    producer: 'requester',
    schema: 'opening@1',
    verifier: 'commitments, first seal',
    purpose: 'the words of question and answer, with the salts under which they were committed to',
    sealStage: 'first',
    role: 'words',
    policyClass: 'sealed-evidence',
    onlyWithWords: true,
  },
  {
    path: RECEIPTS,
    producer: 'requester, executor, validators',
    schema: 'signed receipt@1',
    verifier: 'signatures, replay, second seal',
    purpose: 'signed proof of each job: who asked, did and checked it, and what came of it',
    sealStage: 'second',
    role: 'receipts',
    policyClass: 'metadata-and-receipts',
  },
  {
    path: CANONICAL_TRACES,
    producer: BUILT,
    schema: 'trace@1, canonical rows',
    verifier: 'generated again, first seal',
    purpose: 'the same traces in the one form that has one hash',
    sealStage: 'first',
    role: 'derived',
    policyClass: 'sealed-evidence',
  },
  {
    path: REWRITE_MANIFEST,
    producer: BUILT,
    schema: 'rewrite-manifest@1',
    verifier: 'generated again, first seal',
    purpose: 'what the rewrite was made of and what it gave',
    sealStage: 'first',
    role: 'manifest',
    policyClass: 'sealed-evidence',
  },
  {
    path: TRACE_REPORT,
    producer: BUILT,
    schema: 'trace-report@1',
    verifier: 'generated again, first seal',
    purpose: 'what the traces say and whether each replays',
    sealStage: 'first',
    role: 'report',
    policyClass: 'sealed-evidence',
  },
  {
    path: SUMMARY,
    producer: BUILT,
    schema: 'evidence-summary@1',
    verifier: 'generated again, first seal',
    purpose: 'which files the evidence has, and which are missing',
    sealStage: 'first',
    role: 'report',
    policyClass: 'sealed-evidence',
  },
  {
    path: BUNDLE_MANIFEST,
    producer: BUILT,
    schema: 'bundle-manifest@1',
    verifier: 'sizes and hashes, generated again, first seal',
    purpose: 'size, hash and content id of each file',
    sealStage: 'first',
    role: 'manifest',
    policyClass: 'sealed-evidence',
  },
  {
    path: VERIFY_REPORT,
    producer: BUILT,
    schema: 'verify-report@1',
    verifier: 'generated again, first seal',
    purpose: 'the files held against the bundle manifest',
    sealStage: 'first',
    role: 'verification',
    policyClass: 'sealed-evidence',
  },
  {
    path: PIPELINE_RESULT,
    producer: BUILT,
    schema: 'pipeline-result@1',
    verifier: 'generated again, first seal',
    purpose: 'what building the evidence came to',
    sealStage: 'first',
    role: 'report',
    policyClass: 'sealed-evidence',
  },
  {
    path: FIRST_SEAL,
    producer: SEALED,
    schema: 'signed evidence-seal@1',
    verifier: 'signature, second seal',
    purpose: 'signed list over traces and evidence',
    sealStage: 'second',
    role: 'seal',
    policyClass: 'first-seal',
  },
  {
    path: FIRST_SEAL_REPORT,
    producer: SEALED,
    schema: 'seal-verify-report@1',
    verifier: 'generated again, second seal',
    purpose: 'every file held against the first seal',
    sealStage: 'second',
    role: 'verification',
    policyClass: 'seal-verification',
  },
  {
    path: INDEX,
    producer: SEALED,
    schema: 'artefact-index@1',
    verifier: 'generated again, second seal',
    purpose: 'every artefact with producer, schema, verifier, purpose, seal and role',
    sealStage: 'second',
    role: 'index',
    policyClass: 'metadata-and-receipts',
  },
  {
    path: INDEX_TEXT,
    producer: SEALED,
    schema: 'Markdown',
    verifier: 'generated again, second seal',
    purpose: 'the same index for people',
    sealStage: 'second',
    role: 'index',
    policyClass: 'metadata-and-receipts',
  },
  {
    path: POLICY,
    producer: SEALED,
    schema: 'bundle-policy@1',
    verifier: 'generated again, second seal',
    purpose: 'what travels, in which class, and why',
    sealStage: 'second',
    role: 'policy',
    policyClass: 'metadata-and-receipts',
  },
  {
    path: STATUS,
    producer: SEALED,
    schema: 'evidence-status@1',
    verifier: 'generated again, second seal',
    purpose: 'counts by seal, role and class, and the gates in their order',
    sealStage: 'second',
    role: 'status',
    policyClass: 'metadata-and-receipts',
  },
  {
    path: METADATA,
    producer: SEALED,
    schema: 'metadata-report@1',
    verifier: 'generated again, second seal',
    purpose: 'index and its text held against the table, and against what is there',
    sealStage: 'second',
    role: 'metadata',
    policyClass: 'metadata-and-receipts',
  },
  {
    path: SECOND_SEAL,
    producer: SEALED,
    schema: 'signed evidence-seal@1',
    verifier: 'signature, terminal receipt',
    purpose: 'signed list over the first seal, its verification, metadata and receipts',
    sealStage: 'none',
    role: 'seal',
    policyClass: 'second-seal',
  },
  {
    path: TERMINAL_RECEIPT,
    producer: SEALED,
    schema: 'signed evidence-verification@1',
    verifier: 'signature, generated again',
    purpose: 'every file held against the second seal; ends the chain',
    sealStage: 'none',
    role: 'terminal',
    policyClass: 'terminal-receipt',
  },
];

/** The artefacts of a bundle with the words of question and answer, or without. */
export const artefactsOf = (withWords: boolean): readonly Artefact[] =>
  ARTEFACTS.filter(({ onlyWithWords }) => withWords || onlyWithWords !== true);

/** What a bundle is built from; everything else is generated. */
export const sourcesOf = (withWords: boolean): readonly string[] => [
  TRACES,
  STATEMENTS,
  ...(withWords ? [OPENINGS] : []),
  RECEIPTS,
];

export const sealedBy = (stage: SealStage, withWords: boolean): readonly Artefact[] =>
  artefactsOf(withWords).filter(({ sealStage }) => sealStage === stage);

/** The files of a bundle, by path. */
export type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** A bundle has the words when it has the file with the openings. */
export const hasWords = (files: { has(path: string): boolean }): boolean => files.has(OPENINGS);
