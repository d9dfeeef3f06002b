import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { concat, utf8 } from '#core/base/bytes';
import { ipv4Of, ipv6Bytes } from '#signaling/address';

/**
 * X.509 version 3 certificates (RFC 5280) in DER (X.690), for ECDSA P-256 keys signed with SHA-256 (RFC 5758): as much
 * as a local certificate authority needs, and no parsing.
 */
export interface CertificateRequest {
  /** 16 bytes of chance; made positive and non-zero here (RFC 5280 section 4.1.2.2). */
  readonly serial: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
  readonly subjectPrivateKey: KeyObject;
  readonly issuerPrivateKey: KeyObject;
  /** Epoch milliseconds; whole seconds are kept. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** What the certificate is for: signing others within `permitted`, or serving under `names`. */
  readonly use:
    | { readonly kind: 'authority'; readonly permitted: PermittedNames }
    | { readonly kind: 'server'; readonly names: readonly string[] };
}

/** Names that an authority may certify (RFC 5280 section 4.2.1.10): DNS names with all below them, and address blocks. */
export interface PermittedNames {
  readonly dns: readonly string[];
  /** `address/prefixLength`. */
  readonly blocks: readonly string[];
}

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  if (content.length < 0x80) return concat(Uint8Array.of(tag, content.length), content);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest >>= 8) length.unshift(rest & 255);
  return concat(Uint8Array.of(tag, 0x80 | length.length, ...length), content);
}

const sequence = (...parts: readonly Uint8Array[]) => der(TAG.sequence, ...parts);
const octets = (bytes: Uint8Array) => der(TAG.octetString, bytes);
const bits = (bytes: Uint8Array, unused = 0) => der(TAG.bitString, Uint8Array.of(unused), bytes);
const TRUE = Uint8Array.of(TAG.boolean, 1, 0xff);
/** A context-specific tag: `[n]`, constructed when it holds other values. */
const tagged = (number: number, constructed: boolean, ...parts: readonly Uint8Array[]) =>
  der(0x80 | (constructed ? 0x20 : 0) | number, ...parts);

function oid(dotted: string): Uint8Array<ArrayBuffer> {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  const bytes: number[] = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let high = part >>> 7; high > 0; high >>>= 7) groups.unshift((high & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(TAG.oid, Uint8Array.from(bytes));
}

/** A positive integer in its shortest form. */
function positiveInteger(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const positive = Uint8Array.from(bytes);
  positive[0] = (positive[0]! & 0x7f) | 0x40;
  return der(TAG.integer, positive);
}

const name = (commonName: string) =>
  sequence(der(TAG.set, sequence(oid(OID.commonName), der(TAG.utf8String, utf8(commonName)))));

/** UTCTime through 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
function time(at: number): Uint8Array<ArrayBuffer> {
  const digits = new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  const short = Number(digits.slice(0, 4)) < 2050;
  return der(short ? TAG.utcTime : TAG.generalizedTime, utf8(`${short ? digits.slice(2) : digits}Z`));
}

const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octets(value));

/** The bytes of an address in text form, 4 or 16 of them, or null for a name. */
export function addressBytes(text: string): Uint8Array<ArrayBuffer> | null {
  const v4 = ipv4Of(text);
  return v4 !== null ? Uint8Array.from(v4.split('.').map(Number)) : ipv6Bytes(text);
}

const generalName = (text: string) => {
  const address = addressBytes(text);
  return address === null ? tagged(2, false, utf8(text)) : tagged(7, false, address);
};

/** An address block as name constraints write it: the address, then its mask. */
function blockBytes(block: string): Uint8Array<ArrayBuffer> {
  const [text, length] = block.split('/') as [string, string];
  const address = addressBytes(text)!;
  const mask = address.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, Number(length) - i * 8))) & 255);
  return concat(address, mask);
}

/** True when the authority may certify the name, by the rules that clients apply. */
export function isPermitted(permitted: PermittedNames, text: string): boolean {
  const address = addressBytes(text);
  if (address === null) return permitted.dns.some((dns) => text === dns || text.endsWith(`.${dns}`));
  return permitted.blocks.some((block) => {
    const bytes = blockBytes(block);
    const half = bytes.length / 2;
    return (
      half === address.length &&
      address.every((byte, i) => (byte & bytes[half + i]!) === (bytes[i]! & bytes[half + i]!))
    );
  });
}

/** SHA-1 over the key's bits, which only names the key (RFC 5280 section 4.2.1.2, method 1). */
function keyIdentifier(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const P256_POINT_BYTES = 65;
  return createHash('sha1').update(spki.subarray(-P256_POINT_BYTES)).digest();
}

function extensionsOf(request: CertificateRequest): Uint8Array<ArrayBuffer> {
  const { use } = request;
  const identifiers = [
    extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(request.subjectPrivateKey))),
    extension(OID.authorityKeyIdentifier, false, sequence(tagged(0, false, keyIdentifier(request.issuerPrivateKey)))),
  ];
  if (use.kind === 'authority') {
    const subtrees = [
      ...use.permitted.dns.map((dns) => sequence(tagged(2, false, utf8(dns)))),
      ...use.permitted.blocks.map((block) => sequence(tagged(7, false, blockBytes(block)))),
    ];
    const KEY_CERT_SIGN_AND_CRL_SIGN = Uint8Array.of(0x06);
    return sequence(
      // An authority that certifies servers only, never further authorities: path length 0.
      extension(OID.basicConstraints, true, sequence(TRUE, Uint8Array.of(TAG.integer, 1, 0))),
      extension(OID.keyUsage, true, bits(KEY_CERT_SIGN_AND_CRL_SIGN, 1)),
      extension(OID.nameConstraints, true, sequence(tagged(0, true, ...subtrees))),
      ...identifiers,
    );
  }
  const DIGITAL_SIGNATURE = Uint8Array.of(0x80);
  return sequence(
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.keyUsage, true, bits(DIGITAL_SIGNATURE, 7)),
    extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
    extension(OID.subjectAltName, false, sequence(...use.names.map(generalName))),
    ...identifiers,
  );
}

/** The signed certificate. Throws on keys that are not P-256: our own bug. */
export function certificateDer(request: CertificateRequest): Uint8Array<ArrayBuffer> {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const publicKey = createPublicKey(request.subjectPrivateKey);
  const body = sequence(
    tagged(0, true, Uint8Array.of(TAG.integer, 1, 2)),
    positiveInteger(request.serial),
    algorithm,
    name(request.issuer),
    sequence(time(request.notBefore), time(request.notAfter)),
    name(request.subject),
    Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })),
    tagged(3, true, extensionsOf(request)),
  );
  return sequence(body, algorithm, bits(sign('sha256', body, { key: request.issuerPrivateKey, dsaEncoding: 'der' })));
}

/** RFC 7468. */
export function certificatePem(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
