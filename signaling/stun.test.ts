import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex } from '#core/base/bytes';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { unwrap } from '#core/base/result';
import { createCounters } from '#signaling/counters';
import { answerBinding, startStun } from '#signaling/stun';

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
const bytes = (text: string) => fromHex(text.replace(/\s/g, ''))!;
const ID = 'b7e7a701bc34d686fa87dfae';
const REQUEST = bytes(`0001 0000 2112a442 ${ID}`);

describe('a STUN binding request', () => {
  test('is answered with the address under the magic cookie, as the IPv4 vector of RFC 5769 section 2.2 has it', () => {
    expect(hex(answerBinding(REQUEST, '192.0.2.1', 32853)!)).toBe(
      `0101000c2112a442${ID}0020000800 01a147e112a643`.replace(' ', ''),
    );
  });

  test('is answered over IPv6 as the vector of RFC 5769 section 2.3 has it', () => {
    const reply = hex(answerBinding(REQUEST, '2001:db8:1234:5678:11:2233:4455:6677', 32853)!);
    expect(reply).toBe(`010100182112a442${ID}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9`);
  });

  test('from an IPv4 address mapped into IPv6 gets the IPv4 address', () => {
    expect(answerBinding(REQUEST, '::ffff:192.0.2.1', 32853)).toEqual(answerBinding(REQUEST, '192.0.2.1', 32853));
  });

  test('with a right fingerprint is answered, with a wrong one not', () => {
    const start = bytes(`0001 0008 2112a442 ${ID}`);
    const print = (crc32(start) ^ 0x5354554e) >>> 0;
    const good = concat(start, bytes(`80280004${print.toString(16).padStart(8, '0')}`));
    const bad = concat(start, bytes('8028000400000000'));
    expect(answerBinding(good, '192.0.2.1', 1)).not.toBeNull();
    expect(answerBinding(bad, '192.0.2.1', 1)).toBeNull();
  });

  test('with an attribute that must be understood and is not gets error 420 that names it', () => {
    const request = concat(bytes(`0001 0008 2112a442 ${ID}`), bytes('0003000400000006'));
    expect(hex(answerBinding(request, '192.0.2.1', 1)!)).toBe(`011100102112a442${ID}0009000400000414000a000200030000`);
  });

  test.each([
    ['too short', REQUEST.slice(0, 19)],
    ['no cookie', bytes(`0001 0000 00000000 ${ID}`)],
    ['a response', bytes(`0101 0000 2112a442 ${ID}`)],
    ['an indication', bytes(`0011 0000 2112a442 ${ID}`)],
    ['a length beyond the end', bytes(`0001 0008 2112a442 ${ID}`)],
    ['a length short of the end', concat(REQUEST, bytes('00000000'))],
    ['an attribute beyond the end', concat(bytes(`0001 0004 2112a442 ${ID}`), bytes('80220004'))],
    ['too long', concat(bytes(`0001 0400 2112a442 ${ID}`), new Uint8Array(1024))],
  ])('that is malformed (%s) gets no answer', (_, request) => {
    expect(answerBinding(request, '192.0.2.1', 1)).toBeNull();
  });
});

test('a request from port 0, where a reply cannot be sent, gets none', () => {
  expect(answerBinding(REQUEST, '192.0.2.1', 1)).not.toBeNull();
  expect(answerBinding(REQUEST, '192.0.2.1', 0)).toBeNull();
});

async function ask(type: 'udp4' | 'udp6', address: string, port: number, count: number): Promise<Buffer[]> {
  const socket = createSocket(type);
  const replies: Buffer[] = [];
  await new Promise<void>((resolve) => socket.bind(0, resolve));
  const first = new Promise<void>((resolve) => socket.on('message', (reply) => (replies.push(reply), resolve())));
  for (let i = 0; i < count; i++) socket.send(REQUEST, port, address);
  await first;
  const own = socket.address().port;
  socket.close();
  expect(hex(replies[0]!)).toBe(hex(answerBinding(REQUEST, address, own)!));
  return replies;
}

describe('the STUN server', () => {
  test('answers over IPv4, and over IPv6 where the machine has it, on the same port', async () => {
    const stun = unwrap(
      await startStun({ host: undefined, port: 0, clock: createSystemClock(), counters: createCounters() }),
    );
    await ask('udp4', '127.0.0.1', stun.port, 1);
    if (hasIpv6) await ask('udp6', '::1', stun.port, 1);
    await stun.close();
  });

  test('answers one address only so often', async () => {
    const counters = createCounters();
    const frozen = { ...createSystemClock(), monotonicMs: () => 0 };
    const stun = unwrap(await startStun({ host: '127.0.0.1', port: 0, clock: frozen, counters }));
    for (let i = 0; i < 60; i++) await ask('udp4', '127.0.0.1', stun.port, 1);
    const socket = createSocket('udp4');
    let answered = false;
    socket.on('message', () => (answered = true));
    const refused = new Promise<void>((resolve) => {
      const add = counters.add;
      Object.assign(counters, { add: (name: string) => (add(name), name === 'stun_refused' && resolve()) });
    });
    socket.send(REQUEST, stun.port, '127.0.0.1');
    await refused;
    expect(answered).toBe(false);
    socket.close();
    await stun.close();
  });

  test('says in one sentence that its port is taken', async () => {
    const parts = { host: '127.0.0.1', clock: createSystemClock(), counters: createCounters() };
    const first = unwrap(await startStun({ ...parts, port: 0 }));
    expect(await startStun({ ...parts, port: first.port })).toMatchObject({
      ok: false,
      error: { code: 'port_in_use' },
    });
    await first.close();
  });
});
