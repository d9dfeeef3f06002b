import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64url } from '../base/bytes';
import { encodeCanonical } from '../base/canonical';
import { unwrap } from '../base/result';
import {
  communityHintOf,
  decodePairingCode,
  encodePairingCode,
  factsOfDescription,
  MAX_CODE_CHARS,
  MAX_PAIRING_CANDIDATES,
  PAIRING_ID_BYTES,
  sessionDescriptionOf,
  type PairingCode,
} from './pairing-code';

const CODE: PairingCode = {
  kind: 'offer',
  pairing: new Uint8Array(PAIRING_ID_BYTES).fill(7),
  node: 'ab'.repeat(32),
  communityHint: communityHintOf(`bafyrei${'q'.repeat(52)}`),
  userFragment: 'aB3+',
  password: 'abcdefghijklmnopqrstuv/+',
  fingerprint: new Uint8Array(32).map((_, at) => at * 7),
  candidates: [
    { type: 'host', priority: 2113937151, address: '5f0c9c6a-1b2c-4d3e-8f90-a1b2c3d4e5f6.local', port: 50123 },
    { type: 'srflx', priority: 1677729535, address: '198.51.100.7', port: 40000 },
    { type: 'relay', priority: 33562367, address: '2001:db8::7', port: 3478 },
  ],
};

/** The code with one field written otherwise, as a hostile device would. */
const forged = (change: Record<string, unknown>): string =>
  base64url(
    encodeCanonical({
      v: 1,
      k: 'o',
      p: CODE.pairing,
      n: new Uint8Array(32).fill(0xab),
      g: CODE.communityHint,
      u: CODE.userFragment,
      w: CODE.password,
      f: CODE.fingerprint,
      c: [[0, 1, '192.0.2.1', 9]],
      ...change,
    }),
  );

describe('a pairing code', () => {
  it('comes back as it was written, bare, in a link and broken over lines', () => {
    const text = encodePairingCode(CODE);
    for (const form of [
      text,
      `https://example.org/pair#offer=${text}`,
      `#answer=${text}`,
      ` ${text.slice(0, 40)}\n${text.slice(40)} `,
    ])
      expect(unwrap(decodePairingCode(form))).toEqual(CODE);
  });

  it('with every candidate that fits stays within what is read', () => {
    const longest: PairingCode = {
      ...CODE,
      userFragment: 'u'.repeat(64),
      password: 'w'.repeat(64),
      candidates: Array.from({ length: MAX_PAIRING_CANDIDATES }, () => ({
        ...CODE.candidates[0]!,
        type: 'srflx' as const,
      })),
    };
    const text = `https://${'a'.repeat(200)}.example/pair#offer=${encodePairingCode(longest)}`;
    expect(text.length).toBeLessThan(MAX_CODE_CHARS);
    expect(decodePairingCode(text).ok).toBe(true);
  });

  it('becomes a description whose facts are the code again', () => {
    const { userFragment, password, fingerprint, candidates } = CODE;
    expect(factsOfDescription(sessionDescriptionOf(CODE))).toEqual({ userFragment, password, fingerprint, candidates });
  });

  it.each([
    ['a line break in the credentials', { u: 'aB3+\r\na=x' }],
    ['a line break in an address', { c: [[0, 1, '192.0.2.1\r\na=x', 9]] }],
    ['a name of another host', { c: [[0, 1, 'example.org', 9]] }],
    ['a name beneath .local that no browser makes', { c: [[0, 1, 'router.local', 9]] }],
    ['a port out of range', { c: [[0, 1, '192.0.2.1', 70_000]] }],
    ['port zero', { c: [[0, 1, '192.0.2.1', 0]] }],
    ['an unknown candidate type', { c: [[3, 1, '192.0.2.1', 9]] }],
    ['too many candidates', { c: Array.from({ length: MAX_PAIRING_CANDIDATES + 1 }, () => [0, 1, '192.0.2.1', 9]) }],
    ['a short fingerprint', { f: new Uint8Array(31) }],
    ['a short password', { w: 'short' }],
    ['a long password', { w: 'w'.repeat(65) }],
    ['a short key', { n: new Uint8Array(31) }],
    ['an unknown kind', { k: 'x' }],
    ['a field too many', { z: 1 }],
  ])('with %s is refused', (_, change) => {
    expect(decodePairingCode(forged({})).ok).toBe(true);
    expect(decodePairingCode(forged(change))).toMatchObject({ ok: false, error: { code: 'bad_pairing_code' } });
  });

  it('of a newer version says so', () => {
    expect(decodePairingCode(forged({ v: 2 }))).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('newer') },
    });
  });

  it('made of anything at all is refused without harm', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 2_000 }), fc.uint8Array({ maxLength: 400 }).map(base64url)),
        (text) => {
          expect(decodePairingCode(text)).toMatchObject({ ok: false, error: { code: 'bad_pairing_code' } });
        },
      ),
    );
  });
});

describe('the facts of a browser description', () => {
  it('leave out TCP, unusable addresses and the lowest priorities beyond the limit', () => {
    const base = sessionDescriptionOf({ ...CODE, candidates: [] });
    const lines = [
      'a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active',
      'a=candidate:2 1 udp 5 not.an.address 9 typ host',
      ...Array.from(
        { length: 10 },
        (_, at) => `a=candidate:${at + 3} 1 udp ${100 + at} 192.0.2.${at} 4000 typ host generation 0`,
      ),
    ];
    const facts = factsOfDescription(base.replace('a=end-of-candidates', lines.join('\r\n')));
    expect(facts?.candidates.map(({ priority }) => priority)).toEqual([109, 108, 107, 106, 105, 104, 103, 102]);
  });

  it('are none where the description lacks a SHA-256 fingerprint', () => {
    expect(factsOfDescription(sessionDescriptionOf(CODE).replace('sha-256', 'sha-1'))).toBeNull();
  });
});
