import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import type { Chance, Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { parseJsonThrough } from '#core/wire/parse-json-through';
import { certificateDer, certificatePem, isPermitted, type PermittedNames } from '#signaling/certificate-bytes';
import type { DataFolder } from '#signaling/data-folder';

/** What a TLS server needs, in PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
  readonly names: readonly string[];
}

/**
 * The local certificate authority: a key of this machine that a person may trust on other devices. It can certify
 * nothing but this machine's own names and addresses, `.local` names and private addresses (name constraints), so a stolen key is no key
 * to anyone's bank.
 */
export interface CertificateAuthority {
  /** DER, what devices take as a `.crt` download. */
  readonly certificateDer: Buffer;
  readonly certificatePem: string;
  /** SHA-256 in the form that devices show, to compare by eye. */
  readonly fingerprint: string;
  /**
   * A certificate for those of the names that the authority may certify: the kept one, or a new one when the names
   * changed or it ends within 30 days.
   */
  certify(names: readonly string[]): Promise<Result<ServerCertificate>>;
}

export const AUTHORITY_FILE = 'authority.json';
const SERVER_FILE = 'server-certificate.json';
const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 3650;
/** Apple refuses server certificates that are valid for longer than 398 days. */
const SERVER_DAYS = 397;
const RENEW_BEFORE_DAYS = 30;
/** Devices whose clock is behind would refuse a certificate from now. */
const BACKDATE_MS = DAY_MS;
const SERIAL_BYTES = 16;
/** RFC 5280 appendix A.1, ub-common-name. */
const MAX_COMMON_NAME_CHARS = 64;
const MAX_FILE_BYTES = 64 * 1024;

/** Loopback, RFC 1918, link-local (RFC 3927, RFC 4291), unique local (RFC 4193) and shared (RFC 6598) addresses. */
const PRIVATE_BLOCKS = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

const pairSchema = v.object({ key: v.string(), cert: v.string() });
const permittedSchema = v.object({ dns: v.array(v.string()), blocks: v.array(v.string()) });
const authoritySchema = v.object({ ...pairSchema.entries, subject: v.string(), permitted: permittedSchema });
const serverSchema = v.object({
  ...pairSchema.entries,
  names: v.array(v.string()),
  notAfter: v.number(),
  authority: v.string(),
});

export interface AuthorityParts {
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly chance: Chance;
  /** This machine's name, certifiable besides `localhost` and `.local`. */
  readonly hostname: string;
  /** Addresses that a new authority may certify besides the private blocks: a network of public addresses has them. */
  readonly addresses: readonly string[];
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pemOf = (key: ReturnType<typeof newKey>) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Reads the authority, or makes it the first time. A damaged file is refused, never replaced: devices trust its key. */
export async function openAuthority({
  folder,
  clock,
  chance,
  hostname,
  addresses,
}: AuthorityParts): Promise<Result<CertificateAuthority>> {
  const text = await folder.read(AUTHORITY_FILE);
  if (!text.ok) return text;

  const make = async () => {
    const key = newKey();
    const now = clock.now();
    const permitted = permittedFor(hostname, addresses);
    const subject = `Tabmesh local authority (${hostname})`.slice(0, MAX_COMMON_NAME_CHARS);
    const bytes = certificateDer({
      serial: chance.bytes(SERIAL_BYTES),
      subject,
      issuer: subject,
      subjectPrivateKey: key,
      issuerPrivateKey: key,
      notBefore: now - BACKDATE_MS,
      notAfter: now + AUTHORITY_DAYS * DAY_MS,
      use: { kind: 'authority', permitted },
    });
    const made = { key: pemOf(key), cert: certificatePem(bytes), subject, permitted };
    const written = await folder.write(AUTHORITY_FILE, `${JSON.stringify(made, null, 2)}\n`);
    return written.ok ? ok(made) : written;
  };

  const kept = text.value === null ? await make() : parseJsonThrough(authoritySchema, text.value, MAX_FILE_BYTES);
  const damaged = () =>
    fail(
      'data_damaged',
      `The certificate authority in ${folder.path}/${AUTHORITY_FILE} is damaged; restore the file, or delete it and trust the new authority.`,
    );
  if (!kept.ok) return text.value === null ? kept : damaged();

  let certificate: X509Certificate;
  let privateKey: ReturnType<typeof newKey>;
  try {
    certificate = new X509Certificate(kept.value.cert);
    privateKey = createPrivateKey(kept.value.key);
    if (!certificate.checkPrivateKey(privateKey)) return damaged();
  } catch {
    return damaged();
  }
  const fingerprint = certificate.fingerprint256;
  const issuer = kept.value.subject;

  return ok({
    certificateDer: Buffer.from(certificate.raw),
    certificatePem: kept.value.cert,
    fingerprint,
    async certify(wanted) {
      const names = [...new Set(wanted)].filter((name) => isPermitted(kept.value.permitted, name)).sort();
      const now = clock.now();
      const file = await folder.read(SERVER_FILE);
      if (!file.ok) return file;
      if (file.value !== null) {
        const before = parseJsonThrough(serverSchema, file.value, MAX_FILE_BYTES);
        if (
          before.ok &&
          before.value.authority === fingerprint &&
          before.value.notAfter - RENEW_BEFORE_DAYS * DAY_MS > now &&
          before.value.names.join() === names.join()
        ) {
          return ok(before.value);
        }
      }
      const key = newKey();
      const notAfter = Math.min(now + SERVER_DAYS * DAY_MS, Date.parse(certificate.validTo));
      const bytes = certificateDer({
        serial: chance.bytes(SERIAL_BYTES),
        subject: 'Tabmesh',
        issuer,
        subjectPrivateKey: key,
        issuerPrivateKey: privateKey,
        notBefore: now - BACKDATE_MS,
        notAfter,
        use: { kind: 'server', names },
      });
      const made = { key: pemOf(key), cert: certificatePem(bytes), names, notAfter, authority: fingerprint };
      const written = await folder.write(SERVER_FILE, `${JSON.stringify(made, null, 2)}\n`);
      return written.ok ? ok(made) : written;
    },
  });
}

function permittedFor(hostname: string, addresses: readonly string[]): PermittedNames {
  const dns = [...new Set(['localhost', 'local', hostname.toLowerCase()])];
  const others = addresses.filter((address) => !isPermitted({ dns, blocks: PRIVATE_BLOCKS }, address));
  return {
    dns,
    blocks: [...PRIVATE_BLOCKS, ...others.map((address) => `${address}/${address.includes(':') ? 128 : 32}`)],
  };
}
