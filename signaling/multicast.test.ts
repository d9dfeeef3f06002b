import { createSocket, type Socket } from 'node:dgram';
import multicastDns from 'multicast-dns';
import { afterEach, describe, expect, test } from 'vitest';
import { createSystemClock } from '#adapters/clock-system/system-clock';
import { concat, utf8 } from '#core/base/bytes';
import { ok, unwrap } from '#core/base/result';
import { announce, type Announcement } from '#signaling/announce';
import { SERVICE, type HeardPacket } from '#signaling/announce-records';
import { findServers } from '#signaling/find-servers';
import type { LanInterface } from '#signaling/local-addresses';
import { createPacketGate, openMulticast, type PacketSource } from '#signaling/multicast';
import { systemChance } from '#signaling/system-chance';

/** Nothing of this leaves the machine: group and socket are those of loopback, the port is not that of multicast DNS. */
const LOOPBACK: LanInterface = {
  ipv4: '127.0.0.1',
  networks: [{ address: '127.0.0.1', netmask: '255.0.0.0' }],
  addresses: ['127.0.0.1', '::1'],
};
const GROUP = '224.0.0.251';
const NAME = `Tabmesh on vm.${SERVICE}`;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const bound = (port: number): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });

async function freePort(): Promise<number> {
  const socket = await bound(0);
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

async function announced(port: number, tls = false): Promise<Announcement> {
  const clock = createSystemClock();
  const announcement = unwrap(
    await announce({
      instanceName: 'Tabmesh on vm',
      port: 7280,
      tls,
      interfaces: () => [LOOPBACK],
      open: openMulticast(clock, port),
      multicastPort: port,
      clock,
      chance: systemChance,
      onChange: () => undefined,
    }),
  );
  open.push(() => announcement.stop());
  return announcement;
}

interface Listener {
  readonly mdns: multicastDns.MulticastDNS;
  /** The first answer, past or coming, with a record that the test is after. */
  heard(
    wanted: (record: multicastDns.ResponsePacket['answers'][number]) => boolean,
  ): Promise<multicastDns.ResponsePacket>;
}

/** Somebody else on the network, who knows nothing of our code. */
async function listen(port: number): Promise<Listener> {
  const mdns = multicastDns({ port, interface: '127.0.0.1', bind: '0.0.0.0' });
  open.push(() => new Promise<void>((resolve) => mdns.destroy(resolve)));
  await new Promise<void>((resolve) => mdns.once('ready', resolve));
  const all: multicastDns.ResponsePacket[] = [];
  mdns.on('response', (response) => all.push(response));
  return {
    mdns,
    heard: (wanted) =>
      new Promise((resolve) => {
        const look = (response: multicastDns.ResponsePacket) => {
          if (response.answers.some(wanted)) resolve(response);
        };
        all.forEach(look);
        mdns.on('response', look);
      }),
  };
}

const label = (text: string) => concat(Uint8Array.of(utf8(text).length), utf8(text));
const uint16 = (value: number) => Uint8Array.of(value >> 8, value & 255);
/** A question as RFC 1035 section 4.1 writes it. */
const questionBytes = (id: number, labels: readonly string[], type: number, kind = 1) =>
  concat(
    uint16(id),
    ...[0, 1, 0, 0, 0].map(uint16),
    ...labels.map(label),
    Uint8Array.of(0),
    uint16(type),
    uint16(kind),
  );

describe('over the loopback interface', () => {
  test('a server is announced, found, resolved, and taken back', async () => {
    const port = await freePort();
    const other = await listen(port);
    const announcement = await announced(port, true);
    expect(announcement.current()?.url).toBe('https://tabmesh.local:7280');
    const first = await other.heard(({ type }) => type === 'SRV');
    expect(first.answers.map(({ name, type }) => `${name} ${type}`)).toEqual([
      '_services._dns-sd._udp.local PTR',
      '_tabmesh._tcp.local PTR',
      `${NAME} SRV`,
      `${NAME} TXT`,
      'tabmesh.local A',
      'tabmesh.local AAAA',
    ]);

    other.mdns.query([
      { name: 'tabmesh.local', type: 'AAAA' },
      { name: 'tabmesh.local', type: 'A' },
    ]);
    const resolved = await other.heard(({ name, type }) => name === 'tabmesh.local' && type === 'A');
    expect(
      resolved.answers.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record.data] : [])),
    ).toEqual(['127.0.0.1', '::1']);

    const goodbye = other.heard((record) => 'ttl' in record && record.ttl === 0);
    await announcement.stop();
    const last = await goodbye;
    expect(last.answers.map(({ type }) => type)).toEqual(['PTR', 'SRV', 'TXT', 'A', 'AAAA']);
    expect(last.answers.every((record) => 'ttl' in record && record.ttl === 0)).toBe(true);
  });

  test('a question written byte by byte, from another port, is answered to that port alone', async () => {
    const port = await freePort();
    await announced(port);
    const socket = await bound(0);
    open.push(() => socket.close());
    socket.setMulticastInterface('127.0.0.1');
    const ask = (bytes: Uint8Array) =>
      new Promise<Buffer>((resolve) => {
        socket.once('message', resolve);
        socket.send(bytes, port, GROUP);
      });
    const question = questionBytes(0x1234, ['TABMESH', 'local'], 1);
    const reply = await ask(question);
    const answer = concat(
      label('tabmesh'),
      label('local'),
      Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 127, 0, 0, 1),
    );
    // Its own id, an authoritative answer, one question, one answer, and with it AAAA and what there is not.
    expect(reply.subarray(0, 12).toString('hex')).toBe('123484000001000100000002');
    expect(reply.subarray(12, 12 + question.length - 12).toString('hex')).toBe(
      Buffer.from(question.subarray(12)).toString('hex'),
    );
    expect(reply.indexOf(Buffer.from(answer))).toBe(question.length);

    const unicast = await ask(questionBytes(0x4321, ['_tabmesh', '_tcp', 'local'], 12, 0x8001));
    expect(unicast.readUInt16BE(0)).toBe(0x4321);
    expect(unicast.includes('Tabmesh on vm')).toBe(true);
  });

  test('two servers on one machine share the host, and who looks finds both', async () => {
    const port = await freePort();
    const first = await announced(port);
    const second = await announced(port, true);
    expect(second.current()).toEqual({
      hostName: 'tabmesh.local',
      instance: 'Tabmesh on vm (2)',
      url: 'https://tabmesh.local:7280',
    });
    const clock = createSystemClock();
    const parts = { timeoutMs: 1_500, interfaces: [LOOPBACK], open: openMulticast(clock, port), clock };
    expect(await findServers(parts)).toEqual([
      { instance: 'Tabmesh on vm', url: first.current()?.url },
      { instance: 'Tabmesh on vm (2)', url: second.current()?.url },
    ]);
  });

  test('a name that somebody else answers for is left to them', async () => {
    const port = await freePort();
    const other = await listen(port);
    other.mdns.on('query', (query) => {
      if (query.questions.some(({ name }) => name === 'tabmesh.local')) {
        other.mdns.respond([{ name: 'tabmesh.local', type: 'A', ttl: 120, data: '127.0.0.77' }]);
      }
    });
    expect((await announced(port)).current()?.hostName).toBe('tabmesh-2.local');
  });

  test('no bytes that arrive stop it from answering', async () => {
    const port = await freePort();
    await announced(port);
    const socket = await bound(0);
    open.push(() => socket.close());
    socket.setMulticastInterface('127.0.0.1');
    const good = questionBytes(1, ['tabmesh', 'local'], 1);
    const bad: Uint8Array[] = [
      new Uint8Array(0),
      new Uint8Array(11),
      new Uint8Array(1472).fill(0xff),
      // A name that points to itself, a name without an end, counts without records, strings without an end.
      concat(good.subarray(0, 12), Uint8Array.of(0xc0, 12), uint16(1), uint16(1)),
      concat(good.subarray(0, 12), Uint8Array.of(63, 65)),
      concat(uint16(0), uint16(0x8400), uint16(0), uint16(100), uint16(0), uint16(0)),
      concat(
        uint16(0),
        uint16(0x8400),
        uint16(0),
        uint16(2),
        uint16(0),
        uint16(0),
        label('a'),
        Uint8Array.of(0, 0, 16, 0, 1, 0, 0, 0, 9, 0xff, 0xff),
      ),
      ...Array.from({ length: good.length }, (_, i) => good.subarray(0, i)),
    ];
    for (const bytes of bad) await new Promise((resolve) => socket.send(bytes, port, GROUP, resolve));
    const replied = new Promise((resolve) => socket.once('message', resolve));
    socket.send(good, port, GROUP);
    await replied;
  });
});

describe('a link', () => {
  async function link(port: number, lan: LanInterface) {
    const heard: { packet: HeardPacket; from: PacketSource }[] = [];
    let look = () => undefined as void;
    const opened = unwrap(
      await openMulticast(createSystemClock(), port)(lan, (packet, from) => {
        heard.push({ packet, from });
        look();
      }),
    );
    open.push(() => opened.close());
    const ids = () => heard.map(({ packet }) => packet.id);
    /** What came until this one did; packets of one sender to one socket keep their order. */
    const until = (id: number) =>
      new Promise<readonly number[]>((resolve) => {
        look = () => (ids().includes(id) ? resolve(ids()) : undefined);
        look();
      });
    return { heard, until, send: opened.send };
  }

  async function speaker(port: number): Promise<{ say(bytes: Uint8Array): void; readonly port: number }> {
    const socket = await bound(0);
    open.push(() => socket.close());
    socket.setMulticastInterface('127.0.0.1');
    return { say: (bytes) => socket.send(bytes, port, GROUP), port: socket.address().port };
  }

  test('hears what is well formed, and neither what is too large nor what claims too much', async () => {
    const port = await freePort();
    const { heard, until } = await link(port, LOOPBACK);
    const visitor = await speaker(port);
    const question = (id: number) => questionBytes(id, ['a', 'local'], 1);
    const withFlags = (id: number, flags: number) => {
      const bytes = question(id);
      return concat(bytes.subarray(0, 2), uint16(flags), bytes.subarray(4));
    };
    const RECORD = Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 1);
    const records = (id: number, count: number) =>
      concat(...[id, 0, 0, 40, count - 40, 0].map(uint16), ...Array.from({ length: count }, () => RECORD));
    expect(records(0, 97).length).toBeLessThanOrEqual(1472);
    const QUESTION = Uint8Array.of(0, 0, 1, 0, 1);
    const questions = (id: number, count: number) =>
      concat(...[id, 0, count, 1, 0, 0].map(uint16), ...Array.from({ length: count }, () => QUESTION), RECORD);

    visitor.say(concat(question(1), new Uint8Array(1473 - question(1).length)));
    visitor.say(questions(2, 128));
    // Another operation, an error, and an answer from a port that is not that of responders.
    visitor.say(withFlags(3, 0x0800));
    visitor.say(withFlags(4, 0x0003));
    visitor.say(withFlags(5, 0x8400));
    visitor.say(concat(question(6), new Uint8Array(1472 - question(6).length)));
    visitor.say(questions(7, 127));
    visitor.say(records(8, 97));
    visitor.say(question(9));
    expect(await until(9)).toEqual([6, 7, 8, 9]);
    const { packet, from } = heard.at(-1)!;
    expect(packet.questions).toEqual([{ name: 'a.local', type: 'A', class: 'IN' }]);
    expect(from).toEqual({ address: '127.0.0.1', port: visitor.port });
  });

  test('hears nobody from outside its network', async () => {
    const port = await freePort();
    let networks = [{ address: '10.0.0.1', netmask: '255.0.0.0' }];
    let asked = () => undefined as void;
    const looked = new Promise<void>((resolve) => (asked = resolve));
    const lan = {
      ...LOOPBACK,
      get networks() {
        asked();
        return networks;
      },
    };
    const { until } = await link(port, lan);
    const visitor = await speaker(port);
    visitor.say(questionBytes(1, ['a', 'local'], 1));
    await looked;
    networks = [...LOOPBACK.networks];
    visitor.say(questionBytes(2, ['a', 'local'], 1));
    expect(await until(2)).toEqual([2]);
  });

  test('sends a record as often as it is given it, and leaves it as it was', async () => {
    const { send } = await link(await freePort(), LOOPBACK);
    const data = Object.freeze(['v=1']);
    const text = { name: 'a.local', type: 'TXT', ttl: 0, flush: true, data } as const;
    const sent = [];
    for (let i = 0; i < 2; i++) sent.push(await send({ type: 'response', answers: [text] }));
    expect(sent).toEqual([ok(undefined), ok(undefined)]);
  });

  test('on an interface that this machine has not is refused in one sentence, and leaves nothing open', async () => {
    const port = await freePort();
    const gone = { ...LOOPBACK, ipv4: '203.0.113.77' };
    expect(await openMulticast(createSystemClock(), port)(gone, () => undefined)).toMatchObject({
      ok: false,
      error: { code: 'multicast_unavailable', message: expect.stringMatching(/^[^\n]+\.$/) },
    });
    const again = await bound(port);
    await new Promise<void>((resolve) => again.close(resolve));
  });

  test('on a port that another program has for itself is refused in one sentence', async () => {
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(0, '0.0.0.0', resolve));
    open.push(() => taken.close());
    const opened = await openMulticast(createSystemClock(), taken.address().port)(LOOPBACK, () => undefined);
    expect(opened).toMatchObject({ ok: false, error: { code: 'multicast_unavailable' } });
  });
});

describe('the gate before the decoder', () => {
  const lan: LanInterface = {
    ipv4: '10.0.0.1',
    addresses: [],
    networks: [
      { address: '10.0.0.1', netmask: '255.255.255.0' },
      { address: '172.16.0.1', netmask: '255.240.0.0' },
    ],
  };
  const good = Buffer.from(questionBytes(1, ['a', 'local'], 1));
  const gateAt = (now: () => number) => createPacketGate(lan, { ...createSystemClock(), monotonicMs: now });

  test.each([
    ['10.0.0.7', true],
    ['10.0.1.7', false],
    ['172.16.255.1', true],
    ['172.32.0.1', false],
    ['255.255.255.255', false],
  ])('lets a packet from %s pass: %s', (address, expected) => {
    expect(gateAt(() => 0)(good, { address, port: 5353 })).toBe(expected);
  });

  test('lets no packet from port 0 pass, where nobody can be answered', () => {
    expect(gateAt(() => 0)(good, { address: '10.0.0.7', port: 0 })).toBe(false);
  });

  test('lets one visitor pass 60 times at once and 20 times a second', () => {
    let now = 0;
    const mayPass = gateAt(() => now);
    const passed = (address: string) =>
      Array.from({ length: 100 }, () => mayPass(good, { address, port: 5353 })).filter(Boolean).length;
    expect([passed('10.0.0.7'), passed('10.0.0.8')]).toEqual([60, 60]);
    now = 1_000;
    expect(passed('10.0.0.7')).toBe(20);
  });

  test('lets a whole network pass 300 times at once, however many visitors there are', () => {
    const mayPass = gateAt(() => 0);
    const passed = Array.from({ length: 1_000 }, (_, i) =>
      mayPass(good, { address: `10.0.0.${i % 250}`, port: 5353 }),
    ).filter(Boolean).length;
    expect(passed).toBe(300);
  });
});
