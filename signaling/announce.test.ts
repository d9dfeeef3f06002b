import { describe, expect, test } from 'vitest';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import { announce, type Announcement } from '#signaling/announce';
import { HOST_NAMES, recordsOf, SERVICE, type DnsRecord, type HeardPacket } from '#signaling/announce-records';
import { findServers } from '#signaling/find-servers';
import type { LanInterface } from '#signaling/local-addresses';
import type { OpenLink, OutgoingPacket, PacketSource } from '#signaling/multicast';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import { createVirtualClock, type VirtualClock } from '#tests/fakes/virtual-clock';

const PORT = 5353;

interface Sent {
  readonly by: string;
  readonly atMs: number;
  readonly packet: OutgoingPacket;
  readonly to: PacketSource | undefined;
}

/** One network in memory: what one says to all is heard by all, the speaker too. */
interface MemoryNetwork {
  readonly sent: Sent[];
  readonly open: OpenLink;
  say(packet: OutgoingPacket, from?: PacketSource): void;
}

const interfaceOf = (address: string): LanInterface => ({
  ipv4: address,
  networks: [{ address, netmask: '255.255.255.0' }],
  addresses: [address],
});

const asHeard = (packet: OutgoingPacket): HeardPacket => {
  const known = (records: readonly DnsRecord[] = []) => records.filter(({ type }) => type !== 'NSEC');
  return {
    id: packet.id ?? 0,
    type: packet.type,
    questions: (packet.questions ?? []).map((question) => ({ ...question, class: 'IN' })),
    answers: known(packet.answers),
    authorities: known(packet.authorities),
    additionals: known(packet.additionals),
  } as HeardPacket;
};

function createNetwork(clock: VirtualClock): MemoryNetwork {
  const sent: Sent[] = [];
  const ears = new Set<(packet: HeardPacket, from: PacketSource) => void>();
  const say = (packet: OutgoingPacket, from: PacketSource = { address: '10.0.0.250', port: PORT }) => {
    for (const hear of ears) clock.after(1, () => ears.has(hear) && hear(asHeard(packet), from));
  };
  return {
    sent,
    say,
    open: (lan, heard) => {
      ears.add(heard);
      const from = { address: lan.ipv4, port: PORT };
      return Promise.resolve(
        ok({
          lan,
          send(packet, to) {
            sent.push({ by: lan.ipv4, atMs: clock.monotonicMs(), packet, to });
            if (to === undefined) say(packet, from);
            return Promise.resolve(ok(undefined));
          },
          close: () => Promise.resolve(void ears.delete(heard)),
        }),
      );
    },
  };
}

let seed = 0;
function start(
  clock: VirtualClock,
  network: { open: OpenLink },
  address: string,
  overrides: Partial<Parameters<typeof announce>[0]> = {},
): Promise<Result<Announcement>> {
  return announce({
    instanceName: `Tabmesh on ${address}`,
    port: 7280,
    tls: false,
    interfaces: () => [interfaceOf(address)],
    open: network.open,
    multicastPort: PORT,
    clock,
    chance: createSeededChance(seed++),
    onChange: () => undefined,
    ...overrides,
  });
}

const started = async (...parts: Parameters<typeof start>) => unwrap(await parts[0].runUntil(start(...parts)));
const hostOf = (announcement: Announcement) => announcement.current()?.hostName;
const answersOf = ({ packet }: Sent) => (packet.type === 'response' ? (packet.answers ?? []) : []);
const question = (name: string, type: string): OutgoingPacket => ({ type: 'query', questions: [{ name, type }] });
/** Someone who has the name and defends it by a word. */
const claimOf = (hostName: string, address: string) =>
  recordsOf({ hostName, instance: 'Someone', port: 1, tls: false }, [address]);

describe('a name', () => {
  test('is asked for three times, a quarter of a second apart, before it is announced, twice', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const server = await started(clock, network, '10.0.0.1');
    await clock.advance(5_000);
    const kinds = network.sent.map(({ packet }) => packet.type);
    expect(kinds).toEqual(['query', 'query', 'query', 'response', 'response']);
    const times = network.sent.map(({ atMs }) => atMs);
    expect(times.slice(1).map((at, i) => at - times[i]!)).toEqual([250, 250, 250, 1000]);
    expect(times[0]).toBeLessThanOrEqual(250);
    expect(network.sent[0]!.packet.questions).toEqual([
      { name: `Tabmesh on 10.0.0.1.${SERVICE}`, type: 'ANY' },
      { name: 'tabmesh.local', type: 'ANY' },
    ]);
    expect(server.current()).toEqual({
      hostName: 'tabmesh.local',
      instance: 'Tabmesh on 10.0.0.1',
      url: 'http://tabmesh.local:7280',
    });
  });

  test('that another server has is left to it, and the next is taken', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const first = await started(clock, network, '10.0.0.1');
    const second = await started(clock, network, '10.0.0.2');
    expect([hostOf(first), hostOf(second)]).toEqual(['tabmesh.local', 'tabmesh-2.local']);
    expect(second.current()?.instance).toBe('Tabmesh on 10.0.0.2');
  });

  test('is had by one of many that start at the same moment', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const all = await clock.runUntil(Promise.all([1, 2, 3, 4, 5].map((n) => start(clock, network, `10.0.0.${n}`))));
    await clock.advance(10_000);
    expect(all.map((result) => hostOf(unwrap(result))).sort()).toEqual([...HOST_NAMES.slice(0, 5)].sort());
  });

  test('of a service that another server on this machine has gets a number; the host they share', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const first = await started(clock, network, '10.0.0.1');
    const second = await started(clock, network, '10.0.0.1', { port: 7281 });
    expect([first.current()?.url, second.current()?.url]).toEqual([
      'http://tabmesh.local:7280',
      'http://tabmesh.local:7281',
    ]);
    expect(second.current()?.instance).toBe('Tabmesh on 10.0.0.1 (2)');
  });

  test('that is lost to others nine times over is given up in one sentence', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const all: Announcement[] = [];
    for (let n = 1; n <= 9; n++) all.push(await started(clock, network, `10.0.0.${n}`));
    expect(all.map(hostOf)).toEqual(HOST_NAMES);
    const tenth = await clock.runUntil(start(clock, network, '10.0.0.10'));
    expect(tenth).toMatchObject({
      ok: false,
      error: { code: 'names_taken', message: /^[^\n]*tabmesh-9\.local[^\n]*\.$/ },
    });
    await clock.advance(2_000);
    expect(clock.waiting).toBe(all.length);
  });

  test('that someone always probes for and never uses is not waited for without end', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const starting = start(clock, network, '10.0.0.1');
    clock.every(100, () => network.say({ type: 'query', authorities: claimOf('tabmesh.local', '10.0.0.99').unique }));
    expect(hostOf(unwrap(await clock.runUntil(starting, 20_000)))).toBe('tabmesh-2.local');
  });

  test('stays when this machine hears itself on a second network that is bridged to the first', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const server = await started(clock, network, '10.0.0.1', {
      interfaces: () => [interfaceOf('10.0.0.1'), interfaceOf('10.0.0.2')],
    });
    await clock.advance(10_000);
    expect(hostOf(server)).toBe('tabmesh.local');
    const addresses = network.sent
      .filter((sent) => sent.packet.type === 'response')
      .map((sent) => [
        sent.by,
        answersOf(sent)
          .filter(({ type }) => type === 'A')
          .map(({ data }) => data),
      ]);
    for (const [by, said] of addresses) expect(said).toEqual([by]);
  });

  test('that someone else claims later is asked for again, kept when it is not defended', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const changes: string[] = [];
    const server = await started(clock, network, '10.0.0.1', { onChange: (sentence) => changes.push(sentence) });
    await clock.advance(5_000);
    network.say({ type: 'response', answers: claimOf('tabmesh.local', '10.0.0.99').unique });
    await clock.advance(5_000);
    expect([hostOf(server), changes]).toEqual(['tabmesh.local', []]);
    expect(network.sent.filter(({ packet }) => packet.type === 'query')).toHaveLength(6);
  });

  test('that someone else claims later and defends is changed, and the change is said', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const changes: string[] = [];
    const server = await started(clock, network, '10.0.0.1', { onChange: (sentence) => changes.push(sentence) });
    await clock.advance(5_000);
    clock.every(100, () => network.say({ type: 'response', answers: claimOf('tabmesh.local', '10.0.0.99').unique }));
    await clock.advance(5_000);
    expect(hostOf(server)).toBe('tabmesh-2.local');
    expect(changes).toEqual([expect.stringContaining('http://tabmesh-2.local:7280')]);
  });

  test('under attack on every name is lost for good, in one sentence, and the attack costs no more', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const changes: string[] = [];
    const server = await started(clock, network, '10.0.0.1', { onChange: (sentence) => changes.push(sentence) });
    const all = HOST_NAMES.flatMap((name) => claimOf(name, '10.0.0.99').unique);
    clock.every(100, () => network.say({ type: 'response', answers: all }));
    await clock.advance(120_000);
    expect(server.current()).toBeNull();
    expect(changes).toEqual([expect.stringMatching(/^[^\n]+\.$/)]);
    const count = network.sent.length;
    await clock.advance(120_000);
    expect(network.sent).toHaveLength(count);
    await clock.runUntil(server.stop());
  });

  test('is asked for and announced again when this machine is on another network', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    let address = '10.0.0.1';
    const server = await started(clock, network, '', {
      instanceName: 'Tabmesh',
      interfaces: () => [interfaceOf(address)],
    });
    await clock.advance(100_000);
    const before = network.sent.length;
    address = '10.0.9.1';
    await clock.advance(60_000);
    const after = network.sent.slice(before);
    expect(after.map(({ by, packet }) => [by, packet.type])).toEqual([
      ...Array.from({ length: 3 }, () => ['10.0.9.1', 'query']),
      ...Array.from({ length: 2 }, () => ['10.0.9.1', 'response']),
    ]);
    expect(answersOf(after[4]!).find(({ type }) => type === 'A')?.data).toBe('10.0.9.1');
    expect(hostOf(server)).toBe('tabmesh.local');
  });
});

describe('a question', () => {
  async function quiet() {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const server = await started(clock, network, '10.0.0.1');
    await clock.advance(10_000);
    network.sent.length = 0;
    return { clock, network, server };
  }

  test('for the host is answered at once, to everyone', async () => {
    const { clock, network } = await quiet();
    const asked = clock.monotonicMs();
    network.say(question('tabmesh.local', 'A'));
    await clock.advance(1_000);
    expect(network.sent).toHaveLength(1);
    expect([network.sent[0]!.atMs - asked, network.sent[0]!.to]).toEqual([1, undefined]);
    expect(answersOf(network.sent[0]!).map(({ data }) => data)).toEqual(['10.0.0.1']);
  });

  test('for servers, which others answer too, is answered after 20 to 120 ms', async () => {
    const { clock, network } = await quiet();
    const asked = clock.monotonicMs();
    network.say(question(SERVICE, 'PTR'));
    await clock.advance(1_000);
    expect(network.sent).toHaveLength(1);
    expect(network.sent[0]!.atMs - asked).toBeGreaterThanOrEqual(21);
    expect(network.sent[0]!.atMs - asked).toBeLessThanOrEqual(121);
  });

  test('that comes again and again is answered once in a second', async () => {
    const { clock, network } = await quiet();
    for (let i = 0; i < 100; i++) {
      network.say(question('tabmesh.local', 'A'));
      network.say(question(SERVICE, 'PTR'));
      await clock.advance(50);
    }
    const hosts = network.sent.filter((sent) => answersOf(sent).some(({ type }) => type === 'A'));
    const pointers = network.sent.filter((sent) => answersOf(sent).some(({ type }) => type === 'PTR'));
    expect(hosts.length).toBeLessThanOrEqual(5);
    expect(pointers.length).toBeLessThanOrEqual(6);
    expect(Math.min(hosts.length, pointers.length)).toBeGreaterThan(2);
  });

  test('of one who probes for our name is answered even if we just spoke', async () => {
    const { clock, network } = await quiet();
    network.say(question('tabmesh.local', 'A'));
    await clock.advance(300);
    network.say({ ...question('tabmesh.local', 'ANY'), authorities: claimOf('tabmesh.local', '10.0.0.99').unique });
    await clock.advance(300);
    expect(network.sent).toHaveLength(2);
  });

  test('from another port is answered alone, in the old way: with its number, its question, and a short life', async () => {
    const { clock, network } = await quiet();
    const from = { address: '10.0.0.7', port: 40_000 };
    network.say({ ...question('tabmesh.local', 'A'), id: 77 }, from);
    await clock.advance(1_000);
    expect(network.sent).toHaveLength(1);
    const { packet, to } = network.sent[0]!;
    expect(to).toEqual(from);
    expect([packet.id, packet.questions]).toEqual([77, [{ name: 'tabmesh.local', type: 'A' }]]);
    expect(packet.answers).toMatchObject([{ type: 'A', ttl: 10, flush: false }]);
  });

  test('for anything else is not answered', async () => {
    const { clock, network } = await quiet();
    network.say(question('printer.local', 'ANY'));
    network.say(question('_http._tcp.local', 'PTR'), { address: '10.0.0.7', port: 40_000 });
    await clock.advance(5_000);
    expect(network.sent).toEqual([]);
  });
});

describe('the end', () => {
  test('is said to everyone, and then nothing is heard and nothing waits', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const server = await started(clock, network, '10.0.0.1');
    await clock.advance(10_000);
    network.sent.length = 0;
    await clock.runUntil(Promise.all([server.stop(), server.stop()]));
    expect(network.sent).toHaveLength(1);
    expect(answersOf(network.sent[0]!).map(({ type, ttl }) => [type, ttl])).toEqual([
      ['PTR', 0],
      ['SRV', 0],
      ['TXT', 0],
      ['A', 0],
    ]);
    network.say(question('tabmesh.local', 'A'));
    await clock.advance(5_000);
    expect([network.sent.length, clock.waiting, server.current()]).toEqual([1, 0, null]);
  });

  test('of one server leaves the address of this machine to the other one on it', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const first = await started(clock, network, '10.0.0.1');
    await started(clock, network, '10.0.0.1', { port: 7281 });
    await clock.advance(10_000);
    network.sent.length = 0;
    await clock.runUntil(first.stop());
    await clock.advance(1_000);
    const [goodbye, rescue, ...more] = network.sent;
    expect(answersOf(goodbye!).every(({ ttl }) => ttl === 0)).toBe(true);
    expect(answersOf(rescue!).map(({ name, type, ttl }) => [name, type, ttl])).toEqual([['tabmesh.local', 'A', 120]]);
    expect(more).toEqual([]);
  });

  test('is said although the system once would not list its networks, and was looked at again', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    let looks = 0;
    const interfaces = (): LanInterface[] => {
      if (++looks === 2) throw new Error('not permitted');
      return [interfaceOf(looks > 2 ? '10.0.0.7' : '10.0.0.1')];
    };
    const server = await started(clock, network, '10.0.0.1', { interfaces });
    await clock.advance(180_000);
    expect(network.sent.at(-1)!.by).toBe('10.0.0.7');
    await clock.runUntil(server.stop());
    expect(answersOf(network.sent.at(-1)!).every(({ ttl }) => ttl === 0)).toBe(true);
    await clock.advance(5_000);
    expect([clock.waiting, server.current()]).toEqual([0, null]);
  });

  test('comes at once while a name is still looked for', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const server = await started(clock, network, '10.0.0.1');
    network.say({ type: 'response', answers: claimOf('tabmesh.local', '10.0.0.99').unique });
    await clock.advance(2);
    network.sent.length = 0;
    await clock.runUntil(server.stop(), 1_000);
    expect(network.sent.filter(({ packet }) => packet.type === 'response')).toEqual([]);
  });
});

describe('where there is nobody to tell', () => {
  test('a machine without a network says so in one sentence', async () => {
    const clock = createVirtualClock();
    const told = await start(clock, createNetwork(clock), '10.0.0.1', { interfaces: () => [] });
    expect(told).toMatchObject({ ok: false, error: { code: 'no_network', message: /^[^\n]+\.$/ } });
  });

  test('a network that joins no group is one sentence, unless another one does', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const open: OpenLink = (lan, heard) =>
      lan.ipv4 === '10.0.0.1' ? Promise.resolve(fail('multicast_unavailable', 'No.')) : network.open(lan, heard);
    expect(await start(clock, { open }, '10.0.0.1')).toMatchObject({ error: { code: 'multicast_unavailable' } });
    const both = () => [interfaceOf('10.0.0.1'), interfaceOf('10.0.1.1')];
    expect(hostOf(await started(clock, { open }, '10.0.0.1', { interfaces: both }))).toBe('tabmesh.local');
  });

  test('a network that lets nothing be sent is one sentence, and nothing is left open', async () => {
    const clock = createVirtualClock();
    let closed = 0;
    const open: OpenLink = (lan) =>
      Promise.resolve(
        ok({
          lan,
          send: () => Promise.resolve(fail('multicast_unavailable', 'No.')),
          close: () => Promise.resolve(void closed++),
        }),
      );
    const told = await clock.runUntil(start(clock, { open }, '10.0.0.1'));
    expect(told).toMatchObject({ error: { code: 'multicast_unavailable' } });
    expect([closed, clock.waiting]).toEqual([1, 0]);
  });
});

describe('who looks for servers', () => {
  test('finds all that are announced, also one that just spoke', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    await started(clock, network, '10.0.0.1', { tls: true });
    await started(clock, network, '10.0.0.2');
    const found = await clock.runUntil(
      findServers({ timeoutMs: 1_500, interfaces: [interfaceOf('10.0.0.3')], open: network.open, clock }),
    );
    expect(found).toEqual([
      { instance: 'Tabmesh on 10.0.0.1', url: 'https://tabmesh.local:7280' },
      { instance: 'Tabmesh on 10.0.0.2', url: 'http://tabmesh-2.local:7280' },
    ]);
  });

  test('is shown no more than sixteen, whatever is said', async () => {
    const clock = createVirtualClock();
    const network = createNetwork(clock);
    const finding = findServers({ timeoutMs: 1_500, interfaces: [interfaceOf('10.0.0.3')], open: network.open, clock });
    for (let i = 0; i < 1_000; i++) {
      const claim = { hostName: 'tabmesh.local', instance: `S${i}`, port: 1, tls: false };
      network.say({ type: 'response', answers: recordsOf(claim, []).announced });
    }
    expect(await clock.runUntil(finding)).toHaveLength(16);
  });

  test('finds none where multicast is not possible', async () => {
    const clock = createVirtualClock();
    const open: OpenLink = () => Promise.resolve(fail('multicast_unavailable', 'No.'));
    expect(await findServers({ timeoutMs: 1, interfaces: [interfaceOf('10.0.0.3')], open, clock })).toEqual([]);
  });
});
