import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { lanInterfaces } from '#signaling/local-addresses';

const info = (address: string, netmask: string, internal = false) =>
  ({ address, netmask, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;
const lo = [info('127.0.0.1', '255.0.0.0', true), info('::1', 'ffff::', true)];
const wifi = [
  info('fe80::1', 'ffff:ffff:ffff:ffff::'),
  info('fd00::2', 'ffff:ffff:ffff:ffff::'),
  info('192.168.7.9', '255.255.255.0'),
  info('10.0.0.9', '255.0.0.0'),
];
const wire = [info('192.168.8.9', '255.255.255.0')];
const onlyIpv6 = [info('fd01::2', 'ffff:ffff:ffff:ffff::')];
const onlyLinkLocal = [info('169.254.1.1', '255.255.0.0')];
const machine = { lo, wifi, wire, onlyIpv6, onlyLinkLocal };

describe('the interfaces of a server', () => {
  test('are those on which others reach it, each with the networks behind it and the addresses to tell', () => {
    expect(lanInterfaces('::', machine)).toEqual([
      {
        ipv4: '192.168.7.9',
        networks: [
          { address: '192.168.7.9', netmask: '255.255.255.0' },
          { address: '10.0.0.9', netmask: '255.0.0.0' },
        ],
        addresses: ['192.168.7.9', '10.0.0.9', 'fd00::2'],
      },
      {
        ipv4: '192.168.8.9',
        networks: [{ address: '192.168.8.9', netmask: '255.255.255.0' }],
        addresses: ['192.168.8.9'],
      },
    ]);
  });

  test.each([
    ['0.0.0.0', [['192.168.7.9', '10.0.0.9'], ['192.168.8.9']]],
    ['192.168.8.9', [['192.168.8.9']]],
    ['fd00::2', [['fd00::2']]],
    ['127.0.0.1', []],
    ['::1', []],
    ['203.0.113.1', []],
  ])('tell no address that a server on %s does not listen at', (bound, addresses) => {
    expect(lanInterfaces(bound, machine).map((lan) => lan.addresses)).toEqual(addresses);
  });

  test('are the first eight of a machine with very many', () => {
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`br${i}`, [info(`10.${i}.0.1`, '255.255.0.0')]]),
    );
    expect(lanInterfaces('::', many).map(({ ipv4 }) => ipv4)).toEqual(
      Array.from({ length: 8 }, (_, i) => `10.${i}.0.1`),
    );
  });
});
