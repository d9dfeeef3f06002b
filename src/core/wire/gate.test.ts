import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { encodeCanonical } from '../base/canonical';
import { decodeThrough } from './gate';
import { parseJsonThrough } from './parse-json-through';

const anything = v.looseObject({ v: v.literal(1) });
const codeOf = (result: { ok: true } | { ok: false; error: { code: string } }): string =>
  result.ok ? 'ok' : result.error.code;

describe('the gate', () => {
  it.each(['constructor', 'prototype'])('refuses a field called %s at any depth, in bytes and in files', (name) => {
    for (const value of [
      { v: 1, [name]: 1 },
      { v: 1, inner: [{ [name]: { polluted: true } }] },
    ]) {
      expect(codeOf(decodeThrough(anything, encodeCanonical(value), 1_000))).toBe('malformed');
      expect(codeOf(parseJsonThrough(anything, JSON.stringify(value), 1_000))).toBe('undecodable');
    }
  });

  it('lets no bytes and no file set a prototype', () => {
    // {"v": 1, "__proto__": {"polluted": true}}
    const bytes = Uint8Array.from(Buffer.from('a2617601695f5f70726f746f5f5fa168706f6c6c75746564f5', 'hex'));
    expect(codeOf(decodeThrough(anything, bytes, 1_000))).not.toBe('ok');
    expect(codeOf(parseJsonThrough(anything, '{"v":1,"__proto__":{"polluted":true}}', 1_000))).toBe('undecodable');
    expect('polluted' in {}).toBe(false);
  });

  it('answers depth without end and fields without end with a code', () => {
    expect(codeOf(decodeThrough(anything, new Uint8Array(200_000).fill(0x81), 1_000_000))).toBe('undecodable');
    expect(codeOf(parseJsonThrough(anything, '{"v":'.repeat(10_000), 1_000_000))).toBe('too_deep');
    expect(codeOf(parseJsonThrough(anything, `{"v":1${',"a":0'.repeat(10_000)}}`, 1_000_000))).toBe('too_large');
  });

  it('refuses by size, by form and by version before it looks at the rest', () => {
    const bytes = encodeCanonical({ v: 1 });
    expect(codeOf(decodeThrough(anything, bytes, bytes.length))).toBe('ok');
    expect(codeOf(decodeThrough(anything, bytes, bytes.length - 1))).toBe('too_large');
    // 1 in two bytes instead of one, and keys out of order.
    expect(codeOf(decodeThrough(anything, Uint8Array.of(0xa1, 0x61, 0x76, 0x18, 0x01), 100))).toBe('undecodable');
    expect(codeOf(decodeThrough(anything, Uint8Array.of(0xa2, 0x61, 0x76, 1, 0x61, 0x61, 1), 100))).toBe(
      'not_canonical',
    );
    expect(codeOf(decodeThrough(anything, encodeCanonical({ v: 2 }), 100))).toBe('unknown_version');
  });
});
