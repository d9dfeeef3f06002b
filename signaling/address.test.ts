import { expect, test } from 'vitest';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { hex } from '#core/base/bytes';
import { createAddressCount, createAddressRate, ipv6Bytes, visitorOf } from '#signaling/address';

test.each([
  ['::', '0'.repeat(32)],
  ['::1', '1'.padStart(32, '0')],
  ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
  ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ['::ffff:192.0.2.33', '00000000000000000000ffffc0000221'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
])('%s is read as RFC 4291 writes addresses', (text, bytes) => {
  expect(hex(ipv6Bytes(text)!)).toBe(bytes);
});

test.each([
  '',
  ':',
  '1:2:3',
  '1::2::3',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8',
  'g::',
  '12345::',
  '::1.2.3.256',
  'vm',
])('%j is no IPv6 address', (text) => {
  expect(ipv6Bytes(text)).toBeNull();
});

test('one visitor is one IPv4 address, however it is written, or one IPv6 /64', () => {
  expect(visitorOf('::ffff:10.0.0.1')).toBe(visitorOf('10.0.0.1'));
  expect(visitorOf('2001:db8::1')).toBe(visitorOf('2001:db8::ffff'));
  expect(visitorOf('2001:db8::1')).not.toBe(visitorOf('2001:db8:0:1::1'));
});

test('sockets are counted per visitor and given back', () => {
  const count = createAddressCount(2);
  expect(['::ffff:10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2'].map((address) => count.enter(address))).toEqual([
    true,
    true,
    false,
    true,
  ]);
  count.leave('10.0.0.1');
  expect(count.enter('10.0.0.1')).toBe(true);
});

test('a rate is per visitor', () => {
  const rate = createAddressRate({ ...createSystemClock(), monotonicMs: () => 0 }, 1, 2);
  expect(['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2'].map((address) => rate.take(address))).toEqual([
    true,
    true,
    false,
    true,
  ]);
});
