import * as v from 'valibot';
import { base64url, fromBase64url } from '../base/bytes';
import { encodeCanonical } from '../base/canonical';
import { nodeIdOf, PUBLIC_KEY_BYTES, publicKeyOf, type NodeId } from '../base/ids';
import { fail, ok, type Result } from '../base/result';
import { bytesSchema, decodeThrough } from '../wire/gate';
import { MAX_FRAME_BYTES } from '../wire/limits';

/** What one side must know of the other to open a data channel: the facts of a session description, without its text. */
export interface PairingCode {
  readonly kind: 'offer' | 'answer';
  /** Ties an answer to its offer: chosen by the side that offers. */
  readonly pairing: Uint8Array<ArrayBuffer>;
  readonly node: NodeId;
  /** The end of the community's id, for a readable refusal; membership is proved in the handshake. */
  readonly communityHint: string;
  /** ICE credentials (RFC 8839 section 5.4). */
  readonly userFragment: string;
  readonly password: string;
  /** SHA-256 of the DTLS certificate (RFC 8122 section 5). */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
  readonly candidates: readonly PairingCandidate[];
}

/** One way to reach this device (RFC 8839 section 5.1), over UDP. */
export interface PairingCandidate {
  readonly type: 'host' | 'srflx' | 'relay';
  readonly priority: number;
  /** An IP address, or a name that the browser made up for one (`….local`). */
  readonly address: string;
  readonly port: number;
}

export const PAIRING_ID_BYTES = 8;
const COMMUNITY_HINT_CHARS = 12;
/** Host, reflexive and relayed, over two address families; more only makes the code too dense to scan. */
export const MAX_PAIRING_CANDIDATES = 8;
/** The largest valid code is a little over 1 KiB; a QR of this many characters can still be scanned from a screen. */
export const MAX_CODE_CHARS = 1_600;
const FINGERPRINT_BYTES = 32;
const MAX_PRIORITY = 2 ** 32 - 1;

/** Nothing else may stand where an address stands: what passes here becomes a line of a session description. */
const ADDRESS =
  /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]{2,39}(?:\.\d{1,3}){0,3}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local)$/;
/** `ice-char` of RFC 8839: letters, digits, `+` and `/`. */
const iceText = (least: number, most: number) =>
  v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*$/, 'not ICE characters'), v.minLength(least), v.maxLength(most));
const exactBytes = (count: number) =>
  v.pipe(
    bytesSchema(count),
    v.check((bytes) => bytes.length === count, 'wrong length'),
  );
const whole = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

const TYPES = ['host', 'srflx', 'relay'] as const;

/** Short names and tuples: every byte makes the picture denser. */
const codeSchema = v.strictObject({
  v: v.literal(1),
  k: v.picklist(['o', 'a']),
  p: exactBytes(PAIRING_ID_BYTES),
  n: exactBytes(PUBLIC_KEY_BYTES),
  g: v.pipe(v.string(), v.regex(/^[a-z0-9]*$/), v.maxLength(COMMUNITY_HINT_CHARS)),
  u: iceText(4, 64),
  w: iceText(22, 64),
  f: exactBytes(FINGERPRINT_BYTES),
  c: v.pipe(
    v.array(
      v.strictTuple([
        whole(0, TYPES.length - 1),
        whole(1, MAX_PRIORITY),
        v.pipe(v.string(), v.maxLength(64), v.regex(ADDRESS, 'not an address')),
        whole(1, 65_535),
      ]),
    ),
    v.maxLength(MAX_PAIRING_CANDIDATES),
  ),
});

/** All ids begin alike, so the end tells them apart. */
export const communityHintOf = (communityId: string): string => communityId.slice(-COMMUNITY_HINT_CHARS);

/** The code as text: base64url (RFC 4648 section 5) of canonical bytes, safe in the fragment of a link. */
export function encodePairingCode(code: PairingCode): string {
  return base64url(
    encodeCanonical({
      v: 1,
      k: code.kind === 'offer' ? 'o' : 'a',
      p: code.pairing,
      n: publicKeyOf(code.node)!,
      g: code.communityHint,
      u: code.userFragment,
      w: code.password,
      f: code.fingerprint,
      c: code.candidates.map(({ type, priority, address, port }) => [TYPES.indexOf(type), priority, address, port]),
    }),
  );
}

/** Reads a code, or the link that carries it after `#`. Code `bad_pairing_code`. */
export function decodePairingCode(text: string): Result<PairingCode> {
  const unreadable = fail(
    'bad_pairing_code',
    'This is not a whole pairing code: copy it again from its first to its last character.',
  );
  const trimmed = text.trim();
  if (trimmed.length > MAX_CODE_CHARS) return unreadable;
  const bytes = fromBase64url(trimmed.slice(trimmed.search(/[^#=]*$/)).replace(/\s+/g, ''));
  if (bytes === null || bytes.length === 0) return unreadable;
  const decoded = decodeThrough(codeSchema, bytes, MAX_CODE_CHARS);
  if (!decoded.ok) {
    return decoded.error.code === 'unknown_version'
      ? fail('bad_pairing_code', 'This pairing code is from a newer Tabmesh: reload the app on both devices.')
      : unreadable;
  }
  const { k, p, n, g, u, w, f, c } = decoded.value;
  return ok({
    kind: k === 'o' ? 'offer' : 'answer',
    pairing: p,
    node: nodeIdOf(n),
    communityHint: g,
    userFragment: u,
    password: w,
    fingerprint: f,
    candidates: c.map(([type, priority, address, port]) => ({ type: TYPES[type]!, priority, address, port })),
  });
}

/** The session description that the code stands for (RFC 8829; data channel lines of RFC 8841): built here, so none of its text is foreign. */
export function sessionDescriptionOf(code: PairingCode): string {
  const fingerprint = [...code.fingerprint].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
  const candidates = code.candidates.map(
    ({ type, priority, address, port }, at) =>
      `a=candidate:${at + 1} 1 udp ${priority} ${address} ${port} typ ${type}${type === 'host' ? '' : ' raddr 0.0.0.0 rport 9'}`,
  );
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    ...candidates,
    'a=end-of-candidates',
    `a=ice-ufrag:${code.userFragment}`,
    `a=ice-pwd:${code.password}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    `a=setup:${code.kind === 'offer' ? 'actpass' : 'active'}`,
    'a=mid:0',
    'a=sctp-port:5000',
    `a=max-message-size:${4 * MAX_FRAME_BYTES}`,
    '',
  ].join('\r\n');
}

/** The facts of this browser's own description; null when it lacks one. Candidates that others could not use are left out. */
export function factsOfDescription(
  sdp: string,
): Pick<PairingCode, 'userFragment' | 'password' | 'fingerprint' | 'candidates'> | null {
  const value = (name: string): string | undefined => new RegExp(`^a=${name}:(.*?)\\s*$`, 'm').exec(sdp)?.[1];
  const hash = /^sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})$/i.exec(value('fingerprint') ?? '')?.[1];
  const userFragment = value('ice-ufrag');
  const password = value('ice-pwd');
  if (hash === undefined || userFragment === undefined || password === undefined) return null;
  const candidates = [...sdp.matchAll(/^a=candidate:\S+ 1 udp (\d+) (\S+) (\d+) typ (host|srflx|relay)/gim)].map(
    ([, priority, address, port, type]): PairingCandidate => ({
      type: type as PairingCandidate['type'],
      priority: Number(priority),
      address: address!,
      port: Number(port),
    }),
  );
  return {
    userFragment,
    password,
    fingerprint: Uint8Array.from(hash.split(':'), (pair) => Number.parseInt(pair, 16)),
    candidates: candidates
      .filter(({ address }) => ADDRESS.test(address))
      .sort((a, b) => b.priority - a.priority)
      .slice(0, MAX_PAIRING_CANDIDATES),
  };
}
