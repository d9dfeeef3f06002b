import type { Clock } from '#core/base/ports';
import { createTokenBucket, type TokenBucket } from '#core/bus/token-bucket';

/** How many addresses are remembered at once: a bound on memory, not on visitors. */
const MAX_ADDRESSES = 10_000;

/** Dotted form of an IPv4 address, also of one mapped into IPv6 (RFC 4291 section 2.5.5.2); null for IPv6. */
export function ipv4Of(address: string): string | null {
  const mapped = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  return mapped?.[1] ?? null;
}

/** The 16 bytes of an IPv6 address in text form (RFC 4291 section 2.2), or null. A zone (`%eth0`) is ignored. */
export function ipv6Bytes(address: string): Uint8Array<ArrayBuffer> | null {
  let text = address.replace(/%.*$/, '');
  const tail = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (tail !== null) {
    const [a, b, c, d] = tail.slice(2).map(Number) as [number, number, number, number];
    if (Math.max(a, b, c, d) > 255) return null;
    text = `${tail[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groupsOf = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const left = groupsOf(halves[0]!);
  const right = halves.length === 2 ? groupsOf(halves[1]!) : [];
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right];
  const bytes = new Uint8Array(16);
  for (const [i, group] of groups.entries()) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    const value = Number.parseInt(group, 16);
    bytes[i * 2] = value >> 8;
    bytes[i * 2 + 1] = value & 255;
  }
  return bytes;
}

/** What counts as one visitor: an IPv4 address, or an IPv6 /64, because one household gets a whole /64. */
export function visitorOf(address: string): string {
  const v4 = ipv4Of(address);
  if (v4 !== null) return v4;
  const bytes = ipv6Bytes(address);
  return bytes === null
    ? address
    : [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A rate per visitor. Only the most recent visitors are remembered; a forgotten one begins with a full burst. */
export interface AddressRate {
  take(address: string): boolean;
}

export function createAddressRate(clock: Clock, perSecond: number, burst: number): AddressRate {
  const buckets = new Map<string, TokenBucket>();
  return {
    take(address) {
      const visitor = visitorOf(address);
      const bucket = buckets.get(visitor) ?? createTokenBucket(clock, perSecond, burst);
      buckets.delete(visitor);
      buckets.set(visitor, bucket);
      if (buckets.size > MAX_ADDRESSES) buckets.delete(buckets.keys().next().value!);
      return bucket.take();
    },
  };
}

/** How many sockets each visitor holds. */
export interface AddressCount {
  /** False when the visitor already holds `max`; then nothing is counted. */
  enter(address: string): boolean;
  leave(address: string): void;
}

export function createAddressCount(max: number): AddressCount {
  const held = new Map<string, number>();
  return {
    enter(address) {
      const visitor = visitorOf(address);
      const count = held.get(visitor) ?? 0;
      if (count >= max) return false;
      held.set(visitor, count + 1);
      return true;
    },
    leave(address) {
      const visitor = visitorOf(address);
      const count = held.get(visitor) ?? 0;
      if (count <= 1) held.delete(visitor);
      else held.set(visitor, count - 1);
    },
  };
}
