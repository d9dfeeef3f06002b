import { ok, type Result } from '../base/result';
import type { EventLogStore, StoredEntry } from '../storage/ports';

/** A log that is held from an entry on, while its beginning is still on its way. */
export interface TailedLog extends Pick<EventLogStore, 'append' | 'appendAll' | 'read'> {
  /** Entries of the beginning that are held. */
  begun(): Promise<Result<number>>;
  /** The next entries of the beginning; they end at `base` at the latest. */
  appendBeginning(position: number, entries: readonly Uint8Array[]): Promise<Result<void>>;
}

/**
 * Keeps the entries from `base` on in `tail`, and those before it, as they come, in `beginning`. Reading gives what is held from a
 * position on without a gap: nothing where the beginning does not reach there yet.
 */
export function createTailedLog(base: number, beginning: EventLogStore, tail: EventLogStore): TailedLog {
  async function readTail(from: number, limit: number): Promise<Result<readonly StoredEntry[]>> {
    const read = await tail.read(from - base, limit);
    return read.ok ? ok(read.value.map(({ position, bytes }) => ({ position: position + base, bytes }))) : read;
  }

  return {
    append: (position, bytes) => tail.append(position - base, bytes),
    appendAll: (position, entries) => tail.appendAll(position - base, entries),
    async read(from, limit) {
      if (from >= base) return readTail(from, limit);
      const first = await beginning.read(from, Math.min(limit, base - from));
      if (!first.ok || first.value.length < base - from || first.value.length === limit) return first;
      const rest = await readTail(base, limit - first.value.length);
      return rest.ok ? ok([...first.value, ...rest.value]) : rest;
    },
    begun: () => beginning.length(),
    appendBeginning: (position, entries) => beginning.appendAll(position, entries),
  };
}
