import { hostname, networkInterfaces } from 'node:os';
import { ipv4Of } from '#signaling/address';

/** Addresses under which other devices of the local network may reach this machine, IPv4 first. */
export function lanAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter(({ internal, address }) => !internal && !/^(?:fe80:|169\.254\.)/i.test(address));
  return usable.map(({ address }) => address).sort((a, b) => Number(ipv4Of(a) === null) - Number(ipv4Of(b) === null));
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
