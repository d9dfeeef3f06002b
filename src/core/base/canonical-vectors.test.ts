import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex, utf8 } from './bytes';
import { cidOf, decodeCanonical, encodeCanonical } from './canonical';
import { linkText, linkTo, rawCidOf } from './links';

/**
 * Canonical bytes and content ids against figures that were published elsewhere: RFC 8949 appendix A for CBOR, the DAG-CBOR
 * specification (ipld.io) for what is left of it, the CID and multihash specifications (multiformats.io) for content ids.
 */

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => fromHex(text)!;

/** RFC 8949 appendix A, as far as DAG-CBOR allows it, and values at the edges of each width. */
const VALUES: readonly (readonly [value: unknown, bytes: string])[] = [
  [0, '00'],
  [1, '01'],
  [10, '0a'],
  [23, '17'],
  [24, '1818'],
  [25, '1819'],
  [100, '1864'],
  [255, '18ff'],
  [256, '190100'],
  [1000, '1903e8'],
  [65_535, '19ffff'],
  [65_536, '1a00010000'],
  [1_000_000, '1a000f4240'],
  [4_294_967_295, '1affffffff'],
  [4_294_967_296, '1b0000000100000000'],
  [1_000_000_000_000, '1b000000e8d4a51000'],
  [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
  [18_446_744_073_709_551_615n, '1bffffffffffffffff'],
  [-1, '20'],
  [-10, '29'],
  [-24, '37'],
  [-25, '3818'],
  [-100, '3863'],
  [-256, '38ff'],
  [-257, '390100'],
  [-1000, '3903e7'],
  [-65_536, '39ffff'],
  [-65_537, '3a00010000'],
  [-4_294_967_296, '3affffffff'],
  [-4_294_967_297, '3b0000000100000000'],
  [Number.MIN_SAFE_INTEGER, '3b001ffffffffffffe'],
  [-18_446_744_073_709_551_616n, '3bffffffffffffffff'],
  [1.1, 'fb3ff199999999999a'],
  [1.5, 'fb3ff8000000000000'],
  [-4.1, 'fbc010666666666666'],
  [5.960464477539063e-8, 'fb3e70000000000000'],
  [false, 'f4'],
  [true, 'f5'],
  [null, 'f6'],
  [bytesOf(''), '40'],
  [bytesOf('01020304'), '4401020304'],
  ['', '60'],
  ['a', '6161'],
  ['IETF', '6449455446'],
  ['"\\', '62225c'],
  ['\u00fc', '62c3bc'],
  ['\u6c34', '63e6b0b4'],
  ['\ud800\udd51', '64f0908591'],
  ['x'.repeat(23), `77${'78'.repeat(23)}`],
  ['x'.repeat(24), `7818${'78'.repeat(24)}`],
  ['x'.repeat(256), `790100${'78'.repeat(256)}`],
  [[], '80'],
  [[1, 2, 3], '83010203'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [Array.from({ length: 25 }, (_, at) => at + 1), '98190102030405060708090a0b0c0d0e0f101112131415161718181819'],
  [{}, 'a0'],
  [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  [['a', { b: 'c' }], '826161a161626163'],
  [{ a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }, 'a56161614161626142616361436164614461656145'],
  // Keys: the shorter first, then by byte, whatever the order in which they were set.
  [{ aa: 1, b: 2, a: 3, '': 4 }, 'a4600461610361620262616101'],
  [{ '\u00fc': 1, zz: 2, z: 3 }, 'a3617a03627a7a0262c3bc01'],
];

const ENCODED = VALUES.map(([value, bytes]) => ({ value, bytes }));

describe('canonical bytes', () => {
  test.each(ENCODED)('of $value are 0x$bytes, and mean it', ({ value, bytes }) => {
    expect(hex(encodeCanonical(value))).toBe(bytes);
    expect(decodeCanonical(bytesOf(bytes))).toEqual({ ok: true, value });
  });

  test('are not made of what has no canonical form', () => {
    const none = [undefined, Number.NaN, Infinity, -Infinity, 2n ** 64n, Symbol('a'), () => 1];
    for (const value of [...none, [undefined], { a: undefined }]) expect(() => encodeCanonical(value)).toThrow();
  });
});

/** Well-formed or not: none of these is the one encoding of anything. */
const REFUSED: readonly (readonly [what: string, bytes: string])[] = [
  ['nothing', ''],
  ['0 in two bytes', '1800'],
  ['23 in two bytes', '1817'],
  ['255 in three bytes', '1900ff'],
  ['65535 in five bytes', '1a0000ffff'],
  ['4294967295 in nine bytes', '1b00000000ffffffff'],
  ['-1 in two bytes', '3800'],
  ['a length in two bytes that fits in one', '780161'],
  ['a count in two bytes that fits in one', '980101'],
  ['a half float: 0.0', 'f90000'],
  ['a half float: -0.0', 'f98000'],
  ['a half float: 1.5', 'f93e00'],
  ['a half float: 65504.0', 'f97bff'],
  ['a single float: 100000.0', 'fa47c35000'],
  ['a single float: 3.4028234663852886e+38', 'fa7f7fffff'],
  ['a whole number as a float: 1.0', 'fb3ff0000000000000'],
  ['infinity as a half float', 'f97c00'],
  ['minus infinity as a half float', 'f9fc00'],
  ['no number as a half float', 'f97e00'],
  ['infinity as a single float', 'fa7f800000'],
  ['no number as a single float', 'fa7fc00000'],
  ['infinity', 'fb7ff0000000000000'],
  ['minus infinity', 'fbfff0000000000000'],
  ['no number', 'fb7ff8000000000000'],
  ['undefined', 'f7'],
  ['undefined in a map', 'a16161f7'],
  ['a simple value: 16', 'f0'],
  ['a simple value: 255', 'f8ff'],
  ['true as a simple value of two bytes', 'f815'],
  ['a break that ends nothing', 'ff'],
  ['bytes of indefinite length', '5f42010243030405ff'],
  ['text of indefinite length', '7f657374726561646d696e67ff'],
  ['a list of indefinite length, empty', '9fff'],
  ['a list of indefinite length', '9f018202039f0405ffff'],
  ['a list of indefinite length in another', '83018202039f0405ff'],
  ['a map of indefinite length', 'bf61610161629f0203ffff'],
  ['a map of indefinite length, keys out of order', 'bf6346756ef563416d7421ff'],
  ['a map whose keys are numbers', 'a201020304'],
  ['a map whose key is bytes', 'a1416101'],
  ['a longer key before a shorter one', 'a262616101616202'],
  ['keys of one length out of order', 'a2616202616101'],
  ['a key twice', 'a2616101616102'],
  ['a key twice with one value', 'a2616101616101'],
  ['a large number (tag 2)', 'c249010000000000000000'],
  ['a large negative number (tag 3)', 'c349010000000000000000'],
  ['a time as text (tag 0)', 'c074323031332d30332d32315432303a30343a30305a'],
  ['a time as a number (tag 1)', 'c11a514b67b0'],
  ['bytes to be shown as hex (tag 23)', 'd74401020304'],
  ['CBOR in bytes (tag 24)', 'd818456449455446'],
  ['an address (tag 32)', 'd82076687474703a2f2f7777772e6578616d706c652e636f6d'],
  ['something that says it is CBOR (tag 55799)', 'd9d9f700'],
  ['something after the end', '0000'],
  ['something after the end of a map', 'a0f6'],
  ['text that is cut off', '6261'],
  ['a list that is cut off', '8301'],
  ['a map without its value', 'a16161'],
  ['a length beyond the end of everything', '5bffffffffffffffff'],
  ['reserved length bits', '1c'],
  ['text that is no UTF-8', '62c328'],
  ['half of a surrogate pair as UTF-8', '63eda080'],
];

test.each(REFUSED)('what decodes is one encoding of one value: %s is refused', (_, bytes) => {
  const decoded = decodeCanonical(bytesOf(bytes));
  expect(decoded.ok ? decoded.value : decoded.error.code).toMatch(/^(undecodable|not_canonical)$/);
});

/** RFC 4648 section 6 in lower case without padding, with the multibase prefix `b`. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g)!;
  return `b${groups.map((group) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(group.padEnd(5, '0'), 2)]).join('')}`;
}

/** Version 1, the codec, SHA-256 (0x12) of 32 bytes (0x20), the digest: hashed by another implementation. */
const cidBytes = (codec: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  concat(Uint8Array.of(0x01, codec, 0x12, 0x20), Uint8Array.from(createHash('sha256').update(bytes).digest()));

const EMPTY_MAP_CID = 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua';
const DAG_CBOR = 0x71;
const RAW = 0x55;

describe('a content id', () => {
  test('is the published one', () => {
    expect(cidOf(encodeCanonical({}))).toBe(EMPTY_MAP_CID);
    expect(rawCidOf(new Uint8Array(0))).toBe('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
    expect(rawCidOf(utf8('hello world'))).toBe('bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e');
  });

  test.each(ENCODED)('of 0x$bytes is version, codec, hash function, length and digest in base32', (vector) => {
    const bytes = bytesOf(vector.bytes);
    expect(cidOf(bytes)).toBe(base32(cidBytes(DAG_CBOR, bytes)));
    expect(rawCidOf(bytes)).toBe(base32(cidBytes(RAW, bytes)));
  });

  test('is held by canonical bytes as tag 42 over a zero byte and its binary form', () => {
    const empty = cidBytes(DAG_CBOR, bytesOf('a0'));
    const link = `d82a582500${hex(empty)}`;
    expect(hex(encodeCanonical(linkTo(EMPTY_MAP_CID)))).toBe(link);
    expect(hex(encodeCanonical({ to: linkTo(EMPTY_MAP_CID) }))).toBe(`a162746f${link}`);
    const decoded = decodeCanonical(bytesOf(`82${link}01`));
    expect(decoded.ok && (decoded.value as unknown[]).map(linkText)).toEqual([EMPTY_MAP_CID, null]);
  });

  test.each([
    ['without the zero byte', (cid: string) => `d82a5824${cid}`],
    ['behind another first byte', (cid: string) => `d82a582501${cid}`],
    ['as text instead of bytes', () => `d82a783b${hex(utf8(EMPTY_MAP_CID))}`],
    ['whose tag takes three bytes', (cid: string) => `d9002a582500${cid}`],
    ['under another tag', (cid: string) => `d82b582500${cid}`],
    ['that is cut off', (cid: string) => `d82a582400${cid.slice(0, -2)}`],
    ['with a byte too many', (cid: string) => `d82a582600${cid}00`],
    ['of nothing', () => 'd82a40'],
  ])('in a link %s is refused', (_, made) => {
    const decoded = decodeCanonical(bytesOf(made(hex(cidBytes(DAG_CBOR, bytesOf('a0'))))));
    expect(decoded.ok ? decoded.value : decoded.error.code).toMatch(/^(undecodable|not_canonical)$/);
  });
});
