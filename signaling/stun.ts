import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { crc32 } from 'node:zlib';
import { concat } from '#core/base/bytes';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createAddressRate, ipv4Of, ipv6Bytes } from '#signaling/address';
import type { Counters } from '#signaling/counters';

const HEADER_BYTES = 20;
/** The largest request that a STUN client may send without knowing the path (RFC 8489 section 6.1). */
const MAX_REQUEST_BYTES = 548;
const MAGIC_COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const ATTRIBUTE = {
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  xorMappedAddress: 0x0020,
  fingerprint: 0x8028,
} as const;
const FINGERPRINT_XOR = 0x5354554e;
/** Attributes below this must be understood, or the request refused (RFC 8489 section 5). */
const FIRST_OPTIONAL_ATTRIBUTE = 0x8000;
/** USERNAME, MESSAGE-INTEGRITY, REALM, NONCE and their kin: understood, and ignored by a server that asks for no proof. */
const KNOWN_ATTRIBUTES = new Set([
  0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0020,
]);
/** One page gathers candidates with a handful of requests; spoofed addresses get no flood from us. */
const REQUESTS_PER_SECOND = 10;
const REQUESTS_BURST = 60;

/**
 * The answer to a STUN binding request (RFC 8489 sections 6 and 14): XOR-MAPPED-ADDRESS, or error 420 with the
 * attributes that are not understood. Null for everything that is not a well-formed binding request, and for what came from port 0,
 * where nobody can be answered: no answer at all.
 */
export function answerBinding(request: Uint8Array, address: string, port: number): Uint8Array<ArrayBuffer> | null {
  if (port === 0) return null;
  if (request.length < HEADER_BYTES || request.length > MAX_REQUEST_BYTES || request.length % 4 !== 0) return null;
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  if (view.getUint16(0) !== BINDING_REQUEST || view.getUint32(4) !== MAGIC_COOKIE) return null;
  if (view.getUint16(2) !== request.length - HEADER_BYTES) return null;

  const unknown: number[] = [];
  for (let at = HEADER_BYTES; at < request.length;) {
    if (at + 4 > request.length) return null;
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const next = at + 4 + Math.ceil(length / 4) * 4;
    if (next > request.length) return null;
    if (type === ATTRIBUTE.fingerprint) {
      if (length !== 4 || next !== request.length) return null;
      if (view.getUint32(at + 4) !== (crc32(request.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0) return null;
    } else if (type < FIRST_OPTIONAL_ATTRIBUTE && !KNOWN_ATTRIBUTES.has(type) && unknown.length < 16) {
      unknown.push(type);
    }
    at = next;
  }

  const header = request.slice(4, HEADER_BYTES);
  if (unknown.length > 0) {
    const UNKNOWN_ATTRIBUTE = Uint8Array.of(0, 0, 4, 20);
    const list = concat(...unknown.map(uint16), ...(unknown.length % 2 === 1 ? [uint16(0)] : []));
    return message(
      BINDING_ERROR,
      header,
      attribute(ATTRIBUTE.errorCode, UNKNOWN_ATTRIBUTE),
      // The length leaves out the padding (RFC 8489 section 14).
      concat(uint16(ATTRIBUTE.unknownAttributes), uint16(unknown.length * 2), list),
    );
  }
  const mapped = xorMapped(address, port, header);
  return mapped === null ? null : message(BINDING_SUCCESS, header, attribute(ATTRIBUTE.xorMappedAddress, mapped));
}

const uint16 = (value: number) => Uint8Array.of(value >> 8, value & 255);
const attribute = (type: number, value: Uint8Array) => concat(uint16(type), uint16(value.length), value);
function message(type: number, cookieAndId: Uint8Array, ...attributes: readonly Uint8Array[]) {
  const body = concat(...attributes);
  return concat(uint16(type), uint16(body.length), cookieAndId, body);
}

/** RFC 8489 section 14.2: the port and address under the magic cookie, an IPv6 address also under the request's id. */
function xorMapped(address: string, port: number, cookieAndId: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const v4 = ipv4Of(address);
  const bytes = v4 === null ? ipv6Bytes(address) : Uint8Array.from(v4.split('.').map(Number));
  if (bytes === null) return null;
  const FAMILY_IPV4 = 1;
  const FAMILY_IPV6 = 2;
  const family = v4 === null ? FAMILY_IPV6 : FAMILY_IPV4;
  return concat(
    Uint8Array.of(0, family),
    uint16(port ^ (MAGIC_COOKIE >>> 16)),
    bytes.map((byte, i) => byte ^ cookieAndId[i]!),
  );
}

export interface StunServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface StunParts {
  /** Undefined: all addresses, IPv6 and IPv4 where the machine has both. */
  readonly host: string | undefined;
  readonly port: number;
  readonly clock: Clock;
  readonly counters: Counters;
}

/** Answers binding requests over UDP. Code `port_in_use` or `port_unavailable`. */
export async function startStun({ host, port, clock, counters }: StunParts): Promise<Result<StunServer>> {
  const rate = createAddressRate(clock, REQUESTS_PER_SECOND, REQUESTS_BURST);

  function answer(socket: Socket, request: Buffer, from: RemoteInfo): void {
    const reply = rate.take(from.address) ? answerBinding(request, from.address, from.port) : null;
    if (reply === null) counters.add('stun_refused');
    else
      socket.send(reply, from.port, from.address, (error) =>
        error === null ? counters.add('stun_answered') : undefined,
      );
  }

  const bind = (type: 'udp4' | 'udp6', address: string): Promise<Result<Socket>> =>
    new Promise((resolve) => {
      const socket = createSocket({ type, ipv6Only: false });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        socket.close();
        const inUse = error.code === 'EADDRINUSE';
        resolve(
          inUse
            ? fail('port_in_use', `UDP port ${port} is in use, so this server answers no STUN requests.`)
            : fail('port_unavailable', `UDP port ${port} cannot be opened (${error.code}).`),
        );
      });
      socket.bind({ port, address }, () => {
        socket.removeAllListeners('error');
        socket.on('error', () => counters.add('stun_error'));
        socket.on('message', (request, from) => answer(socket, request, from));
        resolve(ok(socket));
      });
    });

  let bound: Result<Socket>;
  if (host === undefined) {
    bound = await bind('udp6', '::');
    if (!bound.ok && bound.error.code !== 'port_in_use') bound = await bind('udp4', '0.0.0.0');
  } else {
    bound = await bind(host.includes(':') ? 'udp6' : 'udp4', host);
  }
  if (!bound.ok) return bound;
  const socket = bound.value;
  return ok({
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  });
}
