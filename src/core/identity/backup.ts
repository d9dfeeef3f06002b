import * as v from 'valibot';
import { base64, fromBase64, hex } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import { nodeIdSchema } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Failure, type Result } from '../base/result';
import { bytesSchema, decodeThrough } from '../wire/gate';
import { parseJsonThrough } from '../wire/parse-json-through';
import { signedSchema, type Signed } from '../wire/signed';
import { instantSchema, openManifest } from './community';
import { openCertificate, type IdentityId } from './identity';
import { MAX_CERTIFICATES, MAX_MEMBERSHIPS, membershipSchema, type Membership } from './memberships';
import type { PassphraseSeal, SeedSigner } from './ports';

export const MIN_PASSPHRASE_CHARS = 10;
/** The work that a guesser must do per try (OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256). */
export const BACKUP_ITERATIONS = 600_000;
/** A file may ask for more or somewhat less work, not for so much that opening it hangs the page. */
const MIN_ITERATIONS = 100_000;
const MAX_ITERATIONS = 5_000_000;
/** A person in hundreds of communities needs some 500 KB. */
export const MAX_BACKUP_CHARS = 2 * 1024 * 1024;
const MAX_CONTENT_BYTES = 1024 * 1024;
const MAX_COMMUNITIES = 256;
const MAX_NODES = 256;
const SEED_BYTES = 32;

const contentsSchema = v.strictObject({
  type: v.literal('identity-backup'),
  v: v.literal(1),
  createdAt: instantSchema,
  seed: v.pipe(
    bytesSchema(SEED_BYTES),
    v.check((bytes) => bytes.length === SEED_BYTES, 'not a seed'),
  ),
  communities: v.pipe(
    v.array(
      v.strictObject({
        manifest: signedSchema,
        memberships: v.pipe(v.array(membershipSchema), v.maxLength(MAX_MEMBERSHIPS)),
        certificates: v.pipe(v.array(signedSchema), v.maxLength(MAX_CERTIFICATES)),
      }),
    ),
    v.maxLength(MAX_COMMUNITIES),
  ),
  certificates: v.pipe(v.array(signedSchema), v.maxLength(MAX_NODES)),
});

/** A community as a person belongs to it. */
export interface KeptCommunity {
  readonly manifest: Signed;
  /** From the founder down to the person's node that was invited. */
  readonly memberships: readonly Membership[];
  /** Certificates of others that the memberships need (an inviter's new node). */
  readonly certificates: readonly Signed[];
}

/**
 * What a person takes along: who they are and where they belong. Never a node key: a second copy of one would sign a
 * second log, which looks like fraud; a restored device makes its own key and the identity certifies it.
 */
export interface BackupContents {
  readonly createdAt: number;
  /** The seed of the identity's key. */
  readonly seed: Uint8Array<ArrayBuffer>;
  readonly communities: readonly KeptCommunity[];
  /** The node certificates of the identity. */
  readonly certificates: readonly Signed[];
}

const base64Schema = (maxChars: number) => v.pipe(v.string(), v.maxLength(maxChars));

const fileSchema = v.strictObject({
  format: v.literal('tabmesh-identity'),
  v: v.literal(1),
  identity: nodeIdSchema,
  kdf: v.strictObject({
    name: v.literal('PBKDF2-SHA256'),
    iterations: v.pipe(v.number(), v.integer(), v.minValue(MIN_ITERATIONS), v.maxValue(MAX_ITERATIONS)),
    salt: base64Schema(128),
  }),
  cipher: v.strictObject({ name: v.literal('AES-256-GCM'), nonce: base64Schema(64) }),
  ciphertext: base64Schema(MAX_BACKUP_CHARS),
  /** SHA-256 in hex over the rest: tells a damaged file from a wrong passphrase. Guards against accidents only. */
  checksum: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a checksum')),
});

type BackupFile = v.InferOutput<typeof fileSchema>;

export interface BackupDeps {
  readonly seal: PassphraseSeal;
  readonly seedSigner: SeedSigner;
}

/** The backup file as text. Code: `weak_passphrase`. */
export async function exportBackup(
  { seal, seedSigner }: BackupDeps,
  contents: BackupContents,
  passphrase: string,
): Promise<Result<string>> {
  const phrase = passphrase.normalize('NFKC');
  if ([...phrase].length < MIN_PASSPHRASE_CHARS) {
    return fail('weak_passphrase', `A passphrase needs at least ${MIN_PASSPHRASE_CHARS} characters.`);
  }
  const identity = seedSigner(contents.seed).nodeId;
  const { createdAt, seed, communities, certificates } = contents;
  const plaintext = encodeCanonical({ type: 'identity-backup', v: 1, createdAt, seed, communities, certificates });
  const sealed = await seal.seal(phrase, BACKUP_ITERATIONS, plaintext, associatedData(identity, BACKUP_ITERATIONS));
  const file: Omit<BackupFile, 'checksum'> = {
    format: 'tabmesh-identity',
    v: 1,
    identity,
    kdf: { name: 'PBKDF2-SHA256', iterations: BACKUP_ITERATIONS, salt: base64(sealed.salt) },
    cipher: { name: 'AES-256-GCM', nonce: base64(sealed.nonce) },
    ciphertext: base64(sealed.ciphertext),
  };
  return ok(`${JSON.stringify({ ...file, checksum: checksumOf(file) }, null, 2)}\n`);
}

/** Whose backup a file is, before the passphrase is asked for. Codes: `not_a_backup`, `unknown_version`, `backup_damaged`. */
export function identityOfBackup(fileText: string): Result<IdentityId> {
  const file = parseBackup(fileText);
  return file.ok ? ok(file.value.identity) : file;
}

/**
 * The contents of a backup file, every signature in it checked. Nothing is changed anywhere. Codes: `not_a_backup`,
 * `unknown_version`, `backup_damaged`, `wrong_passphrase`.
 */
export async function openBackup(
  { seal, seedSigner, verify }: BackupDeps & { readonly verify: Verify },
  fileText: string,
  passphrase: string,
): Promise<Result<BackupContents & { readonly identity: IdentityId }>> {
  const parsed = parseBackup(fileText);
  if (!parsed.ok) return parsed;
  const { identity, kdf, cipher, ciphertext } = parsed.value;
  const [salt, nonce, sealed] = [fromBase64(kdf.salt), fromBase64(cipher.nonce), fromBase64(ciphertext)];
  if (salt === null || nonce === null || sealed === null) return DAMAGED;
  const plaintext = await seal.open(
    passphrase.normalize('NFKC'),
    kdf.iterations,
    { salt, nonce, ciphertext: sealed },
    associatedData(identity, kdf.iterations),
  );
  if (!plaintext.ok) {
    return fail('wrong_passphrase', 'This passphrase does not open the backup. Check it and try again.');
  }
  const contents = decodeThrough(contentsSchema, plaintext.value, MAX_CONTENT_BYTES);
  if (!contents.ok) return contents.error.code === 'unknown_version' ? NEWER : DAMAGED;
  const { createdAt, seed, communities, certificates } = contents.value;
  if (seedSigner(seed).nodeId !== identity) return DAMAGED;
  for (const { manifest } of communities) {
    if (!(await openManifest(manifest, verify)).ok) return DAMAGED;
  }
  for (const certificate of [...certificates, ...communities.flatMap((kept) => kept.certificates)]) {
    if (!(await openCertificate(certificate, verify)).ok) return DAMAGED;
  }
  return ok({ identity, createdAt, seed, communities, certificates });
}

function parseBackup(fileText: string): Result<BackupFile> {
  if (fileText.length > MAX_BACKUP_CHARS) return NO_BACKUP;
  const file = parseJsonThrough(fileSchema, fileText, MAX_BACKUP_CHARS);
  if (!file.ok) return spoken(file.error, fileText);
  const { checksum, ...rest } = file.value;
  return checksum === checksumOf(rest) ? file : DAMAGED;
}

/** A file that names our format and still does not pass is damaged; any other is something else. */
function spoken(error: Failure, fileText: string): { readonly ok: false; readonly error: Failure } {
  if (!fileText.includes('"tabmesh-identity"')) return NO_BACKUP;
  return error.code === 'unknown_version' ? NEWER : DAMAGED;
}

const checksumOf = (file: Omit<BackupFile, 'checksum'>): string => hex(sha256(encodeCanonical(file)));

/** Bound to the ciphertext, so that a file cannot be dressed up as another person's or with less work. */
const associatedData = (identity: IdentityId, iterations: number): Uint8Array =>
  encodeCanonical({ format: 'tabmesh-identity', v: 1, identity, kdf: 'PBKDF2-SHA256', iterations });

const NO_BACKUP = fail('not_a_backup', 'This file is not a Tabmesh identity backup.');
const NEWER = fail(
  'unknown_version',
  'This backup was made by a newer version of Tabmesh. Update, then open it again.',
);
const DAMAGED = fail('backup_damaged', 'This backup is damaged and cannot be read. Use another copy of it.');
