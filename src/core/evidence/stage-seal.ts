import * as v from 'valibot';
import { fromHex, hex, utf8 } from '../base/bytes';
import { cidSchema, nodeIdSchema, type NodeId } from '../base/ids';
import type { Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { bytesSchema, decodeThrough } from '../wire/gate';
import { MAX_SIGNED_BYTES } from '../wire/limits';
import { idOfSigned, sign, type Signed } from '../wire/signed';
import {
  FIRST_SEAL,
  FIRST_SEAL_REPORT,
  hasWords,
  INDEX,
  INDEX_TEXT,
  METADATA,
  POLICY,
  SECOND_SEAL,
  sealedBy,
  STATUS,
  TERMINAL_RECEIPT,
  type Artefact,
  type Files,
} from './artefacts';
import { indexOf, indexText, metadataReport } from './artefact-index';
import { policyOf, POLICY_VERSION, statusOf } from './bundle-policy';
import { checkFiles, listFile, type FilesCheck, type ListedFile } from './check-files';
import { documentBytes, documentText, textOf, verifyBundleManifest } from './documents';
import { signedAsJson, signedFromJson } from '../wire/signed-text';
import { timeSchema } from './trace';

const digestSchema = v.pipe(
  bytesSchema(32),
  v.check((bytes) => bytes.length === 32, 'not a digest'),
);
const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1e9));
const pathSchema = v.pipe(v.string(), v.maxLength(120));
/** As many as a bundle may hold; all of them stay far below the size of a signed body. */
const artefacts = <Entry extends v.GenericSchema>(entry: Entry) => v.pipe(v.array(entry), v.maxLength(64));

/**
 * A signed list of files. Stage 1 is over traces and evidence; stage 2 over the first seal, its verification, the metadata and
 * the receipts, and names the first seal by its content id.
 */
export const evidenceSealSchema = v.strictObject({
  type: v.literal('evidence-seal'),
  v: v.literal(1),
  stage: v.picklist([1, 2]),
  policyVersion: countSchema,
  sealer: nodeIdSchema,
  inherits: v.nullable(cidSchema),
  artefactCount: countSchema,
  artefacts: artefacts(
    v.strictObject({ path: pathSchema, role: v.string(), sizeBytes: countSchema, sha256: digestSchema }),
  ),
  excluded: artefacts(pathSchema),
  at: timeSchema,
});

export type EvidenceSeal = v.InferOutput<typeof evidenceSealSchema>;

/** The receipt of the second seal's verification. It is signed, and nothing seals it again. */
export const verificationSchema = v.strictObject({
  type: v.literal('evidence-verification'),
  v: v.literal(1),
  verifier: nodeIdSchema,
  manifestPath: pathSchema,
  stage: v.literal(2),
  policyVersion: countSchema,
  seal: cidSchema,
  inherits: cidSchema,
  artefactCount: countSchema,
  checkedCount: countSchema,
  excluded: artefacts(pathSchema),
  countOk: v.boolean(),
  failureCount: countSchema,
  ok: v.boolean(),
  checks: artefacts(
    v.strictObject({
      path: pathSchema,
      role: v.string(),
      exists: v.boolean(),
      expectedSizeBytes: countSchema,
      actualSizeBytes: v.nullable(countSchema),
      sizeOk: v.boolean(),
      expectedSha256: v.string(),
      actualSha256: v.nullable(v.string()),
      hashOk: v.boolean(),
      ok: v.boolean(),
    }),
  ),
  at: timeSchema,
});

export type EvidenceVerification = v.InferOutput<typeof verificationSchema>;

/** A signed document, opened: what it says, who signed it, its content id. */
export interface OpenedDocument<Body> {
  readonly id: string;
  readonly body: Body;
  readonly signer: NodeId;
}

const STAGES = {
  1: { path: FIRST_SEAL, covers: 'first', excluded: [FIRST_SEAL] },
  2: { path: SECOND_SEAL, covers: 'second', excluded: [SECOND_SEAL, TERMINAL_RECEIPT] },
} as const;

type Stage = keyof typeof STAGES;

/** The body of a seal over these files. Fails with `missing_artefact` when one that it must cover is not there. */
function sealOver(
  files: Files,
  stage: Stage,
  sealer: NodeId,
  inherits: string | null,
  at: number,
): Result<EvidenceSeal> {
  const covered = sealedBy(STAGES[stage].covers, hasWords(files));
  const missing = covered.filter(({ path }) => !files.has(path));
  if (missing.length > 0)
    return fail('missing_artefact', `Nothing is sealed: ${missing.map(({ path }) => path).join(', ')} missing.`);
  return ok({
    type: 'evidence-seal',
    v: 1,
    stage,
    policyVersion: POLICY_VERSION,
    sealer,
    inherits,
    artefactCount: covered.length,
    artefacts: covered.map((artefact) => entryOf(artefact, files)),
    excluded: [...STAGES[stage].excluded],
    at,
  });
}

function entryOf({ path, role }: Artefact, files: Files): EvidenceSeal['artefacts'][number] {
  const { sizeBytes, sha256 } = listFile(path, files.get(path)!);
  return { path, role, sizeBytes, sha256: fromHex(sha256)! };
}

/** Every file held against a seal. A missing one counts as a failure; its actual hash is null. */
export function verifySeal(seal: EvidenceSeal, files: Files): FilesCheck {
  const listed = seal.artefacts.map(({ path, sizeBytes, sha256 }): ListedFile => ({
    path,
    sizeBytes,
    sha256: hex(sha256),
  }));
  return checkFiles(listed, seal.artefactCount, files);
}

/** Whether a seal covers exactly what its stage has to; code `seal_incomplete`. */
export function checkCoverage(seal: EvidenceSeal, stage: Stage, files: Files): Result<void> {
  const expected = sealedBy(STAGES[stage].covers, hasWords(files)).map(({ path, role }) => `${path} ${role}`);
  const covered = seal.artefacts.map(({ path, role }) => `${path} ${role}`);
  const fits =
    seal.stage === stage &&
    covered.join() === expected.join() &&
    seal.excluded.join() === STAGES[stage].excluded.join() &&
    (seal.inherits === null) === (stage === 1);
  return fits ? ok(undefined) : fail('seal_incomplete', 'The seal does not cover what its stage has to.');
}

/** The report of holding the files against the first seal. */
export const firstSealReport = (seal: EvidenceSeal, files: Files): object => ({
  manifestPath: FIRST_SEAL,
  excluded: seal.excluded,
  ...verifySeal(seal, files),
});

/** What the terminal receipt says: the same for the second seal. */
export function verificationOf(
  seal: OpenedDocument<EvidenceSeal>,
  files: Files,
  verifier: NodeId,
  at: number,
): EvidenceVerification {
  const check = verifySeal(seal.body, files);
  const roleByPath = new Map(seal.body.artefacts.map(({ path, role }) => [path, role]));
  return {
    type: 'evidence-verification',
    v: 1,
    verifier,
    manifestPath: SECOND_SEAL,
    stage: 2,
    policyVersion: seal.body.policyVersion,
    seal: seal.id,
    inherits: seal.body.inherits ?? '',
    artefactCount: check.artefactCount,
    checkedCount: check.checkedCount,
    excluded: seal.body.excluded,
    countOk: check.countOk,
    failureCount: check.failureCount,
    ok: check.ok,
    checks: check.checks.map((one) => ({ ...one, role: roleByPath.get(one.path) ?? '' })),
    at,
  };
}

/**
 * Seals the documents of a bundle, in two stages: the first seal, its verification, index, policy, status and metadata, the
 * second seal over all of that, and the terminal receipt. Nothing is given back unless every verification on the way holds.
 * Codes: `missing_artefact`, `evidence_changed` (the documents are not what the bundle manifest lists), those of the gate.
 */
export async function sealEvidence(documents: Files, signer: Signer, at: number): Promise<Result<Files>> {
  const withWords = hasWords(documents);
  const verified = verifyBundleManifest(documents);
  if (!verified.ok) return verified;
  if (!verified.value.ok) return changed(verified.value);
  const files = new Map(documents);

  const first = sealOver(files, 1, signer.nodeId, null, at);
  if (!first.ok) return first;
  const firstSigned = await sign(signer, first.value);
  files.set(FIRST_SEAL, documentBytes(signedAsJson(firstSigned)));
  files.set(FIRST_SEAL_REPORT, documentBytes(firstSealReport(first.value, files)));
  files.set(INDEX, documentBytes(indexOf(withWords)));
  files.set(INDEX_TEXT, utf8(indexText(withWords)));
  files.set(POLICY, documentBytes(policyOf(withWords)));
  files.set(STATUS, documentBytes(statusOf(withWords)));
  const metadata = metadataReport(files);
  if (!metadata.ok) return metadata;
  files.set(METADATA, documentBytes(metadata.value));

  const second = sealOver(files, 2, signer.nodeId, idOfSigned(firstSigned), at);
  if (!second.ok) return second;
  const secondSigned = await sign(signer, second.value);
  files.set(SECOND_SEAL, documentBytes(signedAsJson(secondSigned)));
  const sealed = { id: idOfSigned(secondSigned), body: second.value, signer: signer.nodeId };
  const verification = verificationOf(sealed, files, signer.nodeId, at);
  if (!verification.ok) return changed(verification);
  const terminal = await sign(signer, verification);
  files.set(TERMINAL_RECEIPT, documentBytes(signedAsJson(terminal)));
  return ok(files);
}

const changed = (check: { readonly checks: readonly { readonly path: string; readonly ok: boolean }[] }) =>
  fail(
    'evidence_changed',
    `Nothing is sealed: ${check.checks.find(({ ok: holds }) => !holds)?.path ?? 'the list of files'} is not what was listed.`,
  );

/**
 * A signed document among the files: its text must be exactly what its signed body is written as, and its one signature that of the
 * node it names. Codes: those of the gate, `reading_differs`, `bad_signature`, `signer_missing`.
 */
async function openDocument<Body>(
  files: Files,
  path: string,
  read: (signed: Signed) => Result<Body>,
  author: (body: Body) => NodeId,
  verify: Verify,
): Promise<Result<OpenedDocument<Body>>> {
  const text = textOf(files, path);
  if (!text.ok) return text;
  const signed = signedFromJson(text.value);
  if (!signed.ok) return fail(signed.error.code, `${path}: ${signed.error.message}`);
  if (text.value !== documentText(signedAsJson(signed.value)))
    return fail('not_canonical', `${path} is not written as it was signed.`);
  const body = read(signed.value);
  if (!body.ok) return fail(body.error.code, `${path}: ${body.error.message}`);
  const [signature, ...more] = signed.value.signatures;
  const signer = author(body.value);
  if (signature?.keyId !== signer || more.length > 0)
    return fail('signer_missing', `${path} is not signed by the node that it names, and by it alone.`);
  if (!(await verify(signer, signed.value.payload, signature.signature)))
    return fail('bad_signature', `${path}: the signature does not match what was signed.`);
  return ok({ id: idOfSigned(signed.value), body: body.value, signer });
}

export const openSeal = (files: Files, stage: Stage, verify: Verify): Promise<Result<OpenedDocument<EvidenceSeal>>> =>
  openDocument(
    files,
    STAGES[stage].path,
    (signed) => decodeThrough(evidenceSealSchema, signed.payload, MAX_SIGNED_BYTES),
    ({ sealer }) => sealer,
    verify,
  );

export const openVerification = (files: Files, verify: Verify): Promise<Result<OpenedDocument<EvidenceVerification>>> =>
  openDocument(
    files,
    TERMINAL_RECEIPT,
    (signed) => decodeThrough(verificationSchema, signed.payload, MAX_SIGNED_BYTES),
    ({ verifier }) => verifier,
    verify,
  );
