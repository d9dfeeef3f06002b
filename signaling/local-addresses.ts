import { hostname, networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { ipv4Of } from '#signaling/address';

/** Addresses that a router knows: those that every link makes up for itself (RFC 3927, RFC 4291) need no mention. */
const isUsable = ({ internal, address }: NetworkInterfaceInfo): boolean =>
  !internal && !/^(?:fe80:|169\.254\.)/i.test(address);

const ipv4First = (a: string, b: string): number => Number(ipv4Of(a) === null) - Number(ipv4Of(b) === null);

/** Addresses under which other devices of the local network may reach this machine, IPv4 first. */
export function lanAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .filter(isUsable)
    .map(({ address }) => address)
    .sort(ipv4First);
}

/** What this machine is on one network: one of its interfaces. */
export interface LanInterface {
  /** The address by which the operating system knows the interface when it sends to a group. */
  readonly ipv4: string;
  /** The IPv4 networks behind the interface, each by an address of this machine in it and the mask. */
  readonly networks: readonly { readonly address: string; readonly netmask: string }[];
  /** What others on this network may reach the server at, IPv4 first; may be without IPv4. */
  readonly addresses: readonly string[];
}

/** The system lists its own networks before those that programs made up, of which there may be very many. */
const MAX_INTERFACES = 8;

/**
 * The interfaces on which a server that listens at `bound` (`::`, `0.0.0.0` or one address) is reached by others. One
 * without an IPv4 address is left out, and so is one behind which nobody is: loopback.
 */
export function lanInterfaces(bound: string, every = networkInterfaces()): readonly LanInterface[] {
  const reached = (address: string): boolean =>
    bound === '::' || (bound === '0.0.0.0' ? ipv4Of(address) !== null : address === bound);
  const found = Object.values(every).flatMap((all) => {
    const usable = (all ?? []).filter(isUsable);
    const networks = usable.filter(({ address }) => ipv4Of(address) !== null);
    const addresses = usable.map(({ address }) => address).filter(reached);
    if (networks.length === 0 || addresses.length === 0) return [];
    return [
      {
        ipv4: networks[0]!.address,
        networks: networks.map(({ address, netmask }) => ({ address, netmask })),
        addresses: addresses.sort(ipv4First),
      },
    ];
  });
  return found.slice(0, MAX_INTERFACES);
}

/** This machine's name in lower case when it can stand in a certificate, else `localhost`. */
export function machineName(): string {
  const name = hostname().toLowerCase();
  return /^(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name)
    ? name
    : 'localhost';
}

/** Every name under which this machine may be asked for. */
export function certificateNames(): readonly string[] {
  const name = machineName();
  const local = name === 'localhost' ? [] : [name.endsWith('.local') ? name : `${name.split('.')[0]!}.local`];
  return ['localhost', '127.0.0.1', '::1', name, ...local, ...lanAddresses()];
}

/** A host as it stands in a URL. */
export const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');
