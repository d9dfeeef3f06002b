import * as v from 'valibot';
import { concat, utf8 } from '#core/base/bytes';
import type { Result } from '#core/base/result';
import { bytesSchema, checkAgainst } from '#core/wire/gate';
import { ipv6Bytes } from '#signaling/address';

/** What a server says of itself on a local network, as DNS records (RFC 6763 over RFC 6762). Nothing here sends. */
export const SERVICE = '_tabmesh._tcp.local';
/** Where those ask who want to know which kinds of service there are (RFC 6763 section 9). */
const ALL_SERVICES = '_services._dns-sd._udp.local';
/** Version of the three TXT fields; a reader leaves servers of another version alone. */
const TXT_VERSION = '1';
const APP_PATH = '/';

/** As many servers as may share a network: after that a person should say which is which. */
export const MAX_NUMBER = 9;
export const hostNameOf = (number: number): string => (number === 1 ? 'tabmesh.local' : `tabmesh-${number}.local`);
/** Every host name that an announcing server may end up with. */
export const HOST_NAMES: readonly string[] = Array.from({ length: MAX_NUMBER }, (_, i) => hostNameOf(i + 1));

/** One DNS label (RFC 1035 section 2.3.4) less what a number in brackets takes. */
export const MAX_INSTANCE_BYTES = 63 - ' (9)'.length;
/**
 * RFC 6763 section 4.1.1 lets dots through too; here they would have to be escaped in every name, and a list of servers
 * is no poorer without them.
 */
export const isInstanceName = (text: string): boolean =>
  text.trim() !== '' && utf8(text).length <= MAX_INSTANCE_BYTES && !/[.\p{Cc}]/u.test(text);
/** As RFC 6762 appendix D and RFC 6763 section 4.1.1 have it. */
export const instanceOf = (name: string, number: number): string => (number === 1 ? name : `${name} (${number})`);

/** RFC 6762 section 10: what names a host or leads to one lives short, everything else long. */
const HOST_TTL_SECONDS = 120;
const SERVICE_TTL_SECONDS = 75 * 60;

/** Fits into one packet with everything else; a network interface with more addresses than this has some left out. */
const MAX_ADDRESSES = 12;
/** One frame full of the shortest records that are of any use is fewer. */
const MAX_RECORDS = 128;
const MAX_TXT_STRINGS = 16;
const MAX_TXT_STRING_BYTES = 255;
/** RFC 1035 section 2.3.4. */
const MAX_NAME_BYTES = 255;

interface RecordOf<Type extends string, Data> {
  readonly name: string;
  readonly type: Type;
  /** Seconds. */
  readonly ttl: number;
  /** The cache-flush bit (RFC 6762 section 10.2): this is all there is of this name and type. */
  readonly flush: boolean;
  readonly data: Data;
}
/** A name or address as text; TXT strings hold one byte per character. */
export type DnsRecord =
  | RecordOf<'A' | 'AAAA' | 'PTR', string>
  | RecordOf<
      'SRV',
      { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }
    >
  | RecordOf<'TXT', readonly string[]>
  | RecordOf<'NSEC', { readonly nextDomain: string; readonly rrtypes: readonly string[] }>;

const uint16 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff));
const nameSchema = v.pipe(v.string(), v.maxLength(MAX_NAME_BYTES));
const commonEntries = { name: nameSchema, ttl: v.pipe(v.number(), v.minValue(0)), flush: v.boolean() };
const txtStringSchema = v.pipe(
  bytesSchema(MAX_TXT_STRING_BYTES),
  v.transform((bytes) => Buffer.from(bytes).toString('latin1')),
);
const recordSchema = v.variant('type', [
  v.object({ ...commonEntries, type: v.picklist(['A', 'AAAA', 'PTR']), data: nameSchema }),
  v.object({
    ...commonEntries,
    type: v.literal('SRV'),
    data: v.object({ priority: uint16, weight: uint16, port: uint16, target: nameSchema }),
  }),
  v.object({
    ...commonEntries,
    type: v.literal('TXT'),
    data: v.pipe(v.array(txtStringSchema), v.maxLength(MAX_TXT_STRINGS)),
  }),
]);
const KNOWN_TYPES: readonly unknown[] = ['A', 'AAAA', 'PTR', 'SRV', 'TXT'];
const knownRecordsSchema = v.pipe(
  v.array(v.looseObject({ type: v.string(), class: v.optional(v.string()) })),
  v.maxLength(MAX_RECORDS),
  v.transform((all) => all.filter((record) => KNOWN_TYPES.includes(record.type) && record.class === 'IN')),
  v.array(recordSchema),
);
const questionSchema = v.object({ name: nameSchema, type: v.string(), class: v.string() });
const packetSchema = v.object({
  id: uint16,
  type: v.picklist(['query', 'response']),
  questions: v.pipe(v.array(questionSchema), v.maxLength(MAX_RECORDS)),
  answers: knownRecordsSchema,
  authorities: knownRecordsSchema,
  additionals: knownRecordsSchema,
});

export type Question = v.InferOutput<typeof questionSchema>;
/** What arrived, with the records that matter here; those of other types are left out. */
export type HeardPacket = v.InferOutput<typeof packetSchema>;
/** A decoded packet through the gate. Code `malformed`. */
export const readPacket = (decoded: unknown): Result<HeardPacket> => checkAgainst(packetSchema, decoded);

/** Names are compared without regard to the case of ASCII letters (RFC 6762 section 16). */
const folded = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
export const sameName = (a: string, b: string): boolean => folded(a) === folded(b);

const TYPE_NUMBER = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, NSEC: 47 } as const;

const wireUint16 = (value: number) => Uint8Array.of(value >> 8, value & 255);
const wireName = (name: string) =>
  concat(
    ...name.split('.').map((label) => concat(Uint8Array.of(utf8(label).length & 255), utf8(label))),
    Uint8Array.of(0),
  );

/** The record's data as it stands on the wire without compression, which is what RFC 6762 section 8.2 compares. */
function dataBytes(record: DnsRecord): Uint8Array {
  switch (record.type) {
    case 'A':
      return Uint8Array.from(record.data.split('.').map(Number));
    case 'AAAA':
      return ipv6Bytes(record.data) ?? new Uint8Array();
    case 'PTR':
      return wireName(record.data);
    case 'SRV':
      return concat(
        wireUint16(record.data.priority),
        wireUint16(record.data.weight),
        wireUint16(record.data.port),
        wireName(record.data.target),
      );
    case 'TXT':
      return concat(
        ...record.data.map((text) => concat(Uint8Array.of(text.length & 255), Buffer.from(text, 'latin1'))),
      );
    case 'NSEC':
      return new Uint8Array();
  }
}

/** By type, then by data, as RFC 6762 section 8.2 orders records of one name and class. */
const compareRecords = (a: DnsRecord, b: DnsRecord): number =>
  TYPE_NUMBER[a.type] - TYPE_NUMBER[b.type] || Buffer.compare(dataBytes(a), dataBytes(b));

const sameRecord = (a: DnsRecord, b: DnsRecord): boolean => sameName(a.name, b.name) && compareRecords(a, b) === 0;

/** What one server says of itself; the addresses differ from network to network. */
export interface Claim {
  readonly hostName: string;
  readonly instance: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface OwnRecords {
  /** What only one server on a network may have: probed for and defended. */
  readonly unique: readonly DnsRecord[];
  /** All that is announced. */
  readonly announced: readonly DnsRecord[];
  /** What is taken back when the server stops. That there are servers of this kind at all may be true without this one. */
  readonly goodbye: readonly DnsRecord[];
  /** Says of a name of ours which types there are (RFC 6762 section 6.1), so that nobody waits for the others. */
  readonly only: readonly DnsRecord[];
}

export function recordsOf({ hostName, instance, port, tls }: Claim, addresses: readonly string[]): OwnRecords {
  const service = `${instance}.${SERVICE}`;
  const unique = <Type extends string, Data>(name: string, type: Type, ttl: number, data: Data) =>
    ({ name, type, ttl, flush: true, data }) as const;
  const kind: DnsRecord = {
    name: ALL_SERVICES,
    type: 'PTR',
    ttl: SERVICE_TTL_SECONDS,
    flush: false,
    data: SERVICE,
  };
  const pointer: DnsRecord = { name: SERVICE, type: 'PTR', ttl: SERVICE_TTL_SECONDS, flush: false, data: service };
  const place = unique(service, 'SRV', HOST_TTL_SECONDS, { priority: 0, weight: 0, port, target: hostName });
  const text = unique(service, 'TXT', SERVICE_TTL_SECONDS, [
    `v=${TXT_VERSION}`,
    `tls=${tls ? 1 : 0}`,
    `path=${APP_PATH}`,
  ]);
  const hosts = addresses
    .slice(0, MAX_ADDRESSES)
    .map((address) => unique(hostName, address.includes(':') ? 'AAAA' : 'A', HOST_TTL_SECONDS, address));
  const only = (name: string, records: readonly DnsRecord[]) =>
    unique(name, 'NSEC', HOST_TTL_SECONDS, {
      nextDomain: name,
      rrtypes: [...new Set(records.map(({ type }) => type))],
    });
  return {
    unique: [place, text, ...hosts],
    announced: [kind, pointer, place, text, ...hosts],
    goodbye: [pointer, place, text, ...hosts].map((record) => ({ ...record, ttl: 0 })),
    only: [only(hostName, hosts), only(service, [place, text])],
  };
}

export interface Answer {
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** IN and ANY, each also with the bit that asks for a unicast answer, which the decoder takes for another class. */
const INTERNET_CLASSES: readonly string[] = ['IN', 'ANY', `UNKNOWN_${0x8001}`, `UNKNOWN_${0x80ff}`];

/**
 * What we answer to these questions: nothing about names that are not ours, nothing that the one who asks said to know
 * already for at least half its lifetime (RFC 6762 section 7.1), and with it what will be asked next (RFC 6763 section 12).
 */
export function answerTo(own: OwnRecords, questions: readonly Question[], known: readonly DnsRecord[]): Answer {
  const answers = new Set<DnsRecord>();
  for (const { name, type, class: kind } of questions) {
    if (!INTERNET_CLASSES.includes(kind)) continue;
    const named = own.announced.filter((record) => sameName(record.name, name));
    const wanted = named.filter((record) => type === 'ANY' || record.type === type);
    // Only of unique names we know that there is nothing else.
    const none = own.only.filter((record) => sameName(record.name, name));
    for (const record of wanted.length > 0 ? wanted : none) answers.add(record);
  }
  const isKnown = (record: DnsRecord): boolean =>
    known.some((other) => sameRecord(other, record) && other.ttl * 2 >= record.ttl);
  const fresh = [...answers].filter((record) => !isKnown(record));

  const additionals = new Set<DnsRecord>();
  for (let left: readonly DnsRecord[] = fresh; left.length > 0;) {
    const next = left.flatMap((record) => companions(own, record));
    left = next.filter((record) => !fresh.includes(record) && !additionals.has(record));
    for (const record of left) additionals.add(record);
  }
  return { answers: fresh, additionals: [...additionals] };
}

/** A pointer brings what it points to, a place the addresses of its host, an address the others and which there are not. */
function companions(own: OwnRecords, record: DnsRecord): readonly DnsRecord[] {
  const named = (name: string, records: readonly DnsRecord[]) => records.filter((other) => sameName(other.name, name));
  if (record.type === 'PTR') return named(record.data, own.unique);
  if (record.type === 'SRV') return named(record.data.target, own.unique);
  if (record.type === 'A' || record.type === 'AAAA') return named(record.name, [...own.unique, ...own.only]);
  return [];
}

/** Whether a record is one of ours, someone else's under a name of ours, or nothing to us. */
export function relationTo(own: readonly DnsRecord[], heard: DnsRecord): 'ours' | 'foreign' | 'unrelated' {
  if (heard.type === 'PTR' || heard.type === 'NSEC') return 'unrelated';
  if (!own.some((record) => sameName(record.name, heard.name))) return 'unrelated';
  return own.some((record) => sameRecord(record, heard)) ? 'ours' : 'foreign';
}

/**
 * Two that probe for one name at once (RFC 6762 section 8.2): above zero when theirs comes later in order and so has the
 * name, zero when both are the same.
 */
export function compareClaims(theirs: readonly DnsRecord[], ours: readonly DnsRecord[]): number {
  const a = [...theirs].sort(compareRecords);
  const b = [...ours].sort(compareRecords);
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareRecords(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Another server as it announced itself. */
export interface FoundServer {
  /** What people read; foreign text, but without anything that a terminal would obey. */
  readonly instance: string;
  readonly url: string;
}

/** Control characters, and those that change the direction or hide in text (Unicode categories Cc, Cf, Zl, Zp). */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** A name of the local network and of nothing else, so that no announcement leads outside. */
const LOCAL_HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+local$/i;

/** The servers that these records tell of, in order of their names: only those told of whole, in a version that we read. */
export function serversIn(records: readonly DnsRecord[]): readonly FoundServer[] {
  const found = new Map<string, FoundServer>();
  const pointers = records.flatMap((record) =>
    record.type === 'PTR' && sameName(record.name, SERVICE) ? [record] : [],
  );
  const gone = new Set(pointers.filter(({ ttl }) => ttl === 0).map(({ data }) => folded(data)));
  for (const { data: service } of pointers) {
    if (gone.has(folded(service)) || !folded(service).endsWith(`.${SERVICE}`)) continue;
    const instance = service.slice(0, -SERVICE.length - 1).replace(UNPRINTABLE, '');
    const of = records.filter(({ name, ttl }) => sameName(name, service) && ttl > 0);
    const place = of.find((record) => record.type === 'SRV')?.data;
    const text = of.find((record) => record.type === 'TXT')?.data;
    if (instance === '' || place === undefined || text === undefined) continue;
    if (place.port === 0 || !LOCAL_HOST.test(place.target) || !text.includes(`v=${TXT_VERSION}`)) continue;
    if (!text.includes(`path=${APP_PATH}`)) continue;
    const scheme = text.includes('tls=1') ? 'https' : 'http';
    found.set(folded(service), { instance, url: `${scheme}://${folded(place.target)}:${place.port}` });
  }
  return [...found.values()].sort((a, b) => (a.instance < b.instance ? -1 : 1));
}
