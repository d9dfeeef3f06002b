import { createSocket, type RemoteInfo } from 'node:dgram';
import multicastDns from 'multicast-dns';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { createTokenBucket } from '#core/bus/token-bucket';
import { createAddressRate } from '#signaling/address';
import { readPacket, type DnsRecord, type HeardPacket } from '#signaling/announce-records';
import type { LanInterface } from '#signaling/local-addresses';

/** RFC 6762 section 3. */
export const MDNS_PORT = 5353;

/** One Ethernet frame less the headers of IPv4 and UDP: what comes in fragments is a long list of other people's services. */
const MAX_PACKET_BYTES = 1_472;
const HEADER_BYTES = 12;
/** More cannot stand in one frame with a name, a type and a lifetime each, and the decoder makes an object of each. */
const MAX_RECORDS = 128;
/** A device that looks for something asks a handful of times; one that asks more is not heard. */
const SOURCE_PACKETS_PER_SECOND = 20;
const SOURCE_PACKETS_BURST = 60;
/** A whole busy network. Decoding the worst frame takes about a millisecond. */
const NETWORK_PACKETS_PER_SECOND = 100;
const NETWORK_PACKETS_BURST = 300;

export interface PacketSource {
  readonly address: string;
  readonly port: number;
}

export interface OutgoingPacket {
  readonly type: 'query' | 'response';
  readonly id?: number;
  readonly questions?: readonly { readonly name: string; readonly type: string }[];
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** Multicast DNS on one network. */
export interface MulticastLink {
  readonly lan: LanInterface;
  /** To everyone on this network, or to one. Resolves when the operating system took it. Code `multicast_unavailable`. */
  send(packet: OutgoingPacket, to?: PacketSource): Promise<Result<void>>;
  /** Leaves the group; nothing is heard or sent afterwards. */
  close(): Promise<void>;
}

/**
 * Joins the group on one interface. `heard` gets what passed: small, not too often, from this network, well formed, and
 * also what this machine itself sends. It must not throw. Code `multicast_unavailable`.
 */
export type OpenLink = (
  lan: LanInterface,
  heard: (packet: HeardPacket, from: PacketSource) => void,
) => Promise<Result<MulticastLink>>;

const unavailable = (error: Error) =>
  fail(
    'multicast_unavailable',
    `Multicast is not possible here (${(error as NodeJS.ErrnoException).code ?? error.message}), so this server is not announced; open it by its address.`,
  );

const bits = (address: string): number => address.split('.').reduce((number, part) => (number << 8) | Number(part), 0);

/** RFC 6762 section 11: what is not from the same network is not answered, wherever it was sent to. */
function isFromNetwork(lan: LanInterface, address: string): boolean {
  return lan.networks.some((own) => ((bits(address) ^ bits(own.address)) & bits(own.netmask)) === 0);
}

/** Before anything is decoded: as many records as a frame holds, and a header as RFC 6762 section 18 asks for. */
function isPlausible(bytes: Buffer): boolean {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_PACKET_BYTES) return false;
  const OPCODE_AND_RCODE = 0x780f;
  if ((bytes.readUInt16BE(2) & OPCODE_AND_RCODE) !== 0) return false;
  return [4, 6, 8, 10].reduce((sum, at) => sum + bytes.readUInt16BE(at), 0) <= MAX_RECORDS;
}

/**
 * Which packets are decoded at all: those from this network, of a size and shape that may be meant for us, and no more of
 * them than a visitor and the network may send.
 */
export function createPacketGate(lan: LanInterface, clock: Clock): (bytes: Buffer, from: PacketSource) => boolean {
  const ofSource = createAddressRate(clock, SOURCE_PACKETS_PER_SECOND, SOURCE_PACKETS_BURST);
  const ofNetwork = createTokenBucket(clock, NETWORK_PACKETS_PER_SECOND, NETWORK_PACKETS_BURST);
  // Nobody can be answered at port 0: to try throws.
  return (bytes, { address, port }) =>
    port !== 0 && isFromNetwork(lan, address) && isPlausible(bytes) && ofSource.take(address) && ofNetwork.take();
}

/** The encoder writes into the lists of strings that it is given. */
const forEncoder = (records: readonly DnsRecord[] = []) =>
  records.map((record) => (record.type === 'TXT' ? { ...record, data: [...record.data] } : record));

/**
 * A socket for each interface, because one socket sends through one interface. It is bound to every address, since on
 * Linux one that is bound to an address hears no group.
 */
export function openMulticast(clock: Clock, port: number = MDNS_PORT): OpenLink {
  return (lan, heard) =>
    new Promise((resolve) => {
      const mayPass = createPacketGate(lan, clock);
      const socket = createSocket({ type: 'udp4', reuseAddr: true });
      const mdns = multicastDns({ socket, port, interface: lan.ipv4, bind: '0.0.0.0' });

      // The package decodes whatever comes to its listener, so ours stands before it.
      const decode = socket.listeners('message') as ((bytes: Buffer, from: RemoteInfo) => void)[];
      socket.removeAllListeners('message');
      socket.on('message', (bytes, from) => {
        if (mayPass(bytes, from)) for (const listener of decode) listener(bytes, from);
      });
      mdns.on('packet', (decoded: unknown, { address, port: fromPort }: RemoteInfo) => {
        const packet = readPacket(decoded);
        if (!packet.ok) return;
        // RFC 6762 section 6: an answer from another port is from no responder.
        if (packet.value.type === 'response' && fromPort !== port) return;
        heard(packet.value, { address, port: fromPort });
      });

      const close = () => new Promise<void>((closed) => mdns.destroy(closed));
      let joined = false;
      let problem: Error | null = null;
      const noted = (error: Error) => (problem ??= error);
      mdns.on('networkInterface', () => (joined = true));
      // Malformed packets end here too; once it runs, an interface that goes away is noticed by who asks for interfaces.
      mdns.on('warning', noted);
      mdns.on('error', (error) => {
        noted(error);
        void close().then(() => resolve(unavailable(error)));
      });
      mdns.once('ready', () => {
        if (!joined) return void close().then(() => resolve(unavailable(problem ?? new Error('no group joined'))));
        resolve(
          ok({
            lan,
            close,
            send: ({ type, id = 0, questions = [], answers, authorities, additionals }, to) =>
              new Promise((sent) => {
                const packet = {
                  id,
                  questions: questions.map((question) => ({ ...question })),
                  answers: forEncoder(answers),
                  authorities: forEncoder(authorities),
                  additionals: forEncoder(additionals),
                } as multicastDns.QueryOutgoingPacket & multicastDns.ResponseOutgoingPacket;
                const done = (error?: Error | null) => sent(error == null ? ok(undefined) : unavailable(error));
                const target = to === undefined ? undefined : { ...to };
                if (type === 'query') mdns.query(packet, target, done);
                else mdns.respond(packet, target, done);
              }),
          }),
        );
      });
    });
}
