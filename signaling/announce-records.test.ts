import { describe, expect, test } from 'vitest';
import {
  answerTo,
  compareClaims,
  HOST_NAMES,
  hostNameOf,
  instanceOf,
  MAX_INSTANCE_BYTES,
  readPacket,
  recordsOf,
  relationTo,
  SERVICE,
  serversIn,
  type Answer,
  type DnsRecord,
} from '#signaling/announce-records';

const CLAIM = { hostName: 'tabmesh.local', instance: 'Tabmesh on vm', port: 7280, tls: true };
const OWN = recordsOf(CLAIM, ['192.168.7.9', 'fd00::2']);
const IPV4_ONLY = recordsOf(CLAIM, ['192.168.7.9']);
const NAME = `Tabmesh on vm.${SERVICE}`;

const brief = ({ name, type, data }: DnsRecord) => `${name} ${type} ${JSON.stringify(data)}`;
const ask = (name: string, type: string, own = OWN, known: readonly DnsRecord[] = [], kind = 'IN'): Answer =>
  answerTo(own, [{ name, type, class: kind }], known);
const typesOf = (records: readonly DnsRecord[]) => records.map(({ type }) => type);
const address = (data: string, overrides: Partial<DnsRecord> = {}): DnsRecord =>
  ({ name: 'tabmesh.local', type: 'A', ttl: 120, flush: true, data, ...overrides }) as DnsRecord;

describe('what a server says of itself', () => {
  test('is a service of its kind, where it is, what it speaks, and the addresses of its host', () => {
    expect(OWN.announced.map(brief)).toEqual([
      '_services._dns-sd._udp.local PTR "_tabmesh._tcp.local"',
      `_tabmesh._tcp.local PTR "${NAME}"`,
      `${NAME} SRV {"priority":0,"weight":0,"port":7280,"target":"tabmesh.local"}`,
      `${NAME} TXT ["v=1","tls=1","path=/"]`,
      'tabmesh.local A "192.168.7.9"',
      'tabmesh.local AAAA "fd00::2"',
    ]);
  });

  test('lives as long as RFC 6762 section 10 says, and replaces older words only where there is one server', () => {
    expect(OWN.announced.map(({ type, ttl, flush }) => [type, ttl, flush])).toEqual([
      ['PTR', 4500, false],
      ['PTR', 4500, false],
      ['SRV', 120, true],
      ['TXT', 4500, true],
      ['A', 120, true],
      ['AAAA', 120, true],
    ]);
  });

  test('says without TLS that there is none', () => {
    const [text] = recordsOf({ ...CLAIM, tls: false }, []).announced.filter(({ type }) => type === 'TXT');
    expect(text?.data).toEqual(['v=1', 'tls=0', 'path=/']);
  });

  test('is taken back whole, but not that there are servers of this kind', () => {
    expect(OWN.goodbye.map(({ type, ttl }) => [type, ttl])).toEqual([
      ['PTR', 0],
      ['SRV', 0],
      ['TXT', 0],
      ['A', 0],
      ['AAAA', 0],
    ]);
    expect(OWN.goodbye[0]?.name).toBe(SERVICE);
  });

  test('has nine host names to choose from, and a number behind its own name', () => {
    expect(HOST_NAMES).toEqual(['tabmesh.local', ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => `tabmesh-${n}.local`)]);
    expect([hostNameOf(1), hostNameOf(2)]).toEqual(HOST_NAMES.slice(0, 2));
    expect([instanceOf('A', 1), instanceOf('A', 2)]).toEqual(['A', 'A (2)']);
    expect(instanceOf('x'.repeat(MAX_INSTANCE_BYTES), 9)).toHaveLength(63);
  });

  test('of a host with a thousand addresses fits into one frame', () => {
    const many = Array.from({ length: 1000 }, (_, i) => `fd00::${i.toString(16)}`);
    const { announced } = recordsOf({ ...CLAIM, instance: 'x'.repeat(63) }, many);
    const bytes = announced.reduce((sum, { name, type }) => sum + name.length + (type === 'AAAA' ? 28 : 110), 12);
    expect(bytes).toBeLessThan(1472);
  });
});

describe('an answer', () => {
  test('to who looks for servers has everything that is needed to go there', () => {
    const { answers, additionals } = ask(SERVICE, 'PTR');
    expect(answers.map(brief)).toEqual([`_tabmesh._tcp.local PTR "${NAME}"`]);
    expect(typesOf(additionals)).toEqual(['SRV', 'TXT', 'A', 'AAAA', 'NSEC']);
  });

  test('to who looks for a host has its addresses of both kinds', () => {
    expect(ask('tabmesh.local', 'A').answers.map(brief)).toEqual(['tabmesh.local A "192.168.7.9"']);
    expect(typesOf(ask('tabmesh.local', 'A').additionals)).toContain('AAAA');
    expect(typesOf(ask('tabmesh.local', 'ANY').answers)).toEqual(['A', 'AAAA']);
  });

  test('takes no notice of the case of letters, of a class for any, and of the wish for a unicast answer', () => {
    for (const kind of ['IN', 'ANY', 'UNKNOWN_32769', 'UNKNOWN_33023']) {
      expect([kind, typesOf(ask('TabMesh.LOCAL', 'A', OWN, [], kind).answers)]).toEqual([kind, ['A']]);
    }
    expect(ask('tabmesh.local', 'A', OWN, [], 'CH').answers).toEqual([]);
  });

  test('to a question for what a name of ours lacks says what there is instead', () => {
    const { answers } = ask('tabmesh.local', 'AAAA', IPV4_ONLY);
    expect(answers.map(brief)).toEqual(['tabmesh.local NSEC {"nextDomain":"tabmesh.local","rrtypes":["A"]}']);
    expect(typesOf(ask('tabmesh.local', 'A', IPV4_ONLY).additionals)).toEqual(['NSEC']);
    expect(typesOf(ask(NAME, 'HTTPS').answers)).toEqual(['NSEC']);
  });

  test.each([
    ['tabmesh-2.local', 'A'],
    ['vm.local', 'ANY'],
    ['_http._tcp.local', 'PTR'],
    ['local', 'ANY'],
    ['.', 'ANY'],
    [SERVICE, 'A'],
    [`Another.${SERVICE}`, 'SRV'],
  ])('about %s %s is none: it is not ours', (name, type) => {
    expect(ask(name, type)).toEqual({ answers: [], additionals: [] });
  });

  test('leaves out what is known for at least half its lifetime, and only that', () => {
    const [pointer] = ask(SERVICE, 'PTR').answers;
    const known = (ttl: number) => [{ ...pointer!, ttl }];
    expect(ask(SERVICE, 'PTR', OWN, known(2250)).answers).toEqual([]);
    expect(ask(SERVICE, 'PTR', OWN, known(2250)).additionals).toEqual([]);
    expect(ask(SERVICE, 'PTR', OWN, known(2249)).answers).toEqual([pointer]);
  });

  test('to a hundred questions for one thing has it once', () => {
    const questions = Array.from({ length: 100 }, () => ({ name: 'tabmesh.local', type: 'ANY', class: 'IN' }));
    expect(answerTo(OWN, questions, []).answers).toHaveLength(2);
  });
});

describe('a record that is heard', () => {
  test.each([
    ['the same address', address('192.168.7.9'), 'ours'],
    ['the same address in other letters', address('192.168.7.9', { name: 'TABMESH.local' }), 'ours'],
    ['another address under our name', address('192.168.7.10'), 'foreign'],
    ['another host', address('192.168.7.10', { name: 'vm.local' }), 'unrelated'],
    [
      'a pointer to somewhere else',
      address('x.local', { name: SERVICE, type: 'PTR' } as Partial<DnsRecord>),
      'unrelated',
    ],
  ])('%s', (_, record, relation) => {
    expect(relationTo(OWN.unique, record)).toBe(relation);
  });

  test('is the same IPv6 address however it is written', () => {
    expect(relationTo(OWN.unique, address('FD00:0:0:0:0:0:0:2', { type: 'AAAA' } as Partial<DnsRecord>))).toBe('ours');
  });

  test('of two that probe at once, the later in order wins, as the example of RFC 6762 section 8.2 has it', () => {
    const ours = [address('169.254.99.200')];
    const theirs = [address('169.254.200.50')];
    expect(compareClaims(theirs, ours)).toBeGreaterThan(0);
    expect(compareClaims(ours, theirs)).toBeLessThan(0);
    expect(compareClaims(ours, ours)).toBe(0);
    expect(compareClaims([...ours, ...theirs], ours)).toBeGreaterThan(0);
  });
});

describe('a packet', () => {
  const packet = (overrides: object) => ({
    id: 0,
    type: 'response',
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
    ...overrides,
  });
  const a = { name: 'a.local', type: 'A', class: 'IN', ttl: 1, flush: false, data: '10.0.0.1' };

  test('passes with the records that matter, and without those of other types and classes', () => {
    const opt = { name: '.', type: 'OPT', udpPayloadSize: 1440 };
    const read = readPacket(packet({ answers: [a, { ...a, class: 'CH' }], additionals: [opt] }));
    expect(read).toMatchObject({ ok: true, value: { answers: [{ name: 'a.local' }], additionals: [] } });
    expect(read.ok && read.value.answers).toHaveLength(1);
  });

  test.each([
    ['too many records', packet({ answers: Array.from({ length: 129 }, () => a) })],
    [
      'too many questions',
      packet({ questions: Array.from({ length: 129 }, () => ({ name: 'a', type: 'A', class: 'IN' })) }),
    ],
    ['an address that is none', packet({ answers: [{ ...a, data: 7 }] })],
    ['a name that is too long', packet({ answers: [{ ...a, name: 'a'.repeat(256) }] })],
    [
      'a port that is none',
      packet({ answers: [{ ...a, type: 'SRV', data: { priority: 0, weight: 0, port: 1e9, target: 'a' } }] }),
    ],
    [
      'too many strings',
      packet({ answers: [{ ...a, type: 'TXT', data: Array.from({ length: 17 }, () => new Uint8Array(1)) }] }),
    ],
    ['no packet', null],
  ])('with %s is refused', (_, decoded) => {
    expect(readPacket(decoded)).toMatchObject({ ok: false });
  });
});

describe('servers that announced themselves', () => {
  const told = (overrides: Partial<typeof CLAIM> = {}) => recordsOf({ ...CLAIM, ...overrides }, ['10.0.0.1']).announced;

  test('are found by name and address to open, sorted', () => {
    const both = [...told({ instance: 'B', tls: false, hostName: 'tabmesh-2.local' }), ...told({ instance: 'A' })];
    expect(serversIn(both)).toEqual([
      { instance: 'A', url: 'https://tabmesh.local:7280' },
      { instance: 'B', url: 'http://tabmesh-2.local:7280' },
    ]);
  });

  test('are none when they said goodbye, told only half, or speak another version', () => {
    expect(serversIn([...told(), ...recordsOf(CLAIM, []).goodbye])).toEqual([]);
    for (const type of ['PTR', 'SRV', 'TXT']) {
      expect([type, serversIn(told().filter((record) => record.type !== type))]).toEqual([type, []]);
    }
    const other = told().map((record) => (record.type === 'TXT' ? { ...record, data: ['v=2', 'path=/'] } : record));
    expect(serversIn(other)).toEqual([]);
  });

  test('bring no control characters and no turned text into a terminal', () => {
    const [server] = serversIn(told({ instance: 'a\u001b[31m\u202eb\nc' }));
    expect(server?.instance).toBe('a[31mbc');
  });

  test.each(['evil.example', 'tabmesh.local/x', 'local', 'a b.local', 'x@evil.local', '10.0.0.1'])(
    'never lead to %s',
    (hostName) => {
      expect(serversIn(told({ hostName }))).toEqual([]);
    },
  );
});
