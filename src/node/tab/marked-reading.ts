import { utf8 } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Clock } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { openEntry } from '#core/ledger/chain';
import { ledgerEventSchema, type LedgerEvent } from '#core/ledger/events';
import type { Ledger, LedgerEntry } from '#core/ledger/ledger';
import { createPace } from './replay-held';
import { verifiedBefore } from '#core/ledger/verified-before';

/** Entries read from the store at a time. */
const READ_BATCH = 128;

export interface MarkedReadingDeps {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** Which events are wanted. Their names must be such as stand in no other entry by chance. */
  readonly kinds: readonly LedgerEvent['kind'][];
  /** A log turned out to be a forger's, or is (no longer) left out: everything comes again, without it. */
  readonly startAnew: () => void;
  /** Whose logs are not read; absent: everybody's are. */
  readonly leavesOut?: (author: NodeId) => boolean;
  /** True when it changes anything. */
  readonly take: (entry: LedgerEntry) => boolean | Promise<boolean>;
}

/**
 * Entries of a few kinds out of all logs that are held, each given once and those of one author in the order of its log. Of all
 * others not more is looked at than whether the name of a kind stands in their bytes. Call one reading after the other.
 */
export interface MarkedReading {
  /** Goes on from where it was; true when anything changed. Codes: `ledger_damaged`, storage codes. */
  readOn(): Promise<Result<boolean>>;
}

/** A time of an entry is its author's word; past it no date can be shown. */
const LATEST_DATE_MS = 8.64e15;

export function createMarkedReading(deps: MarkedReadingDeps): MarkedReading {
  const { ledger, clock, kinds, startAnew, leavesOut = () => false, take } = deps;
  const marks = kinds.map((kind) => utf8(kind));
  /** How far each log was read. */
  const readTo = new Map<NodeId, number>();
  let unread = '';

  /** Not told yet. */
  let changed = false;

  async function readLog(author: NodeId, length: number, pace: () => Promise<void>): Promise<Result<void>> {
    const end = Math.min(length, ledger.state.bannedFrom.get(author) ?? length);
    for (let from = readTo.get(author) ?? 0; from < end;) {
      const read = await ledger.bytesOf(author, from, Math.min(READ_BATCH, end - from));
      if (!read.ok) return read;
      // What comes before the checkpoint that this ledger began with may still be on its way.
      if (read.value.length === 0 && from < ledger.heldFrom(author)) return ok(undefined);
      if (read.value.length === 0)
        return fail('ledger_damaged', `Entry ${from} of that log is not on this device any more.`);
      for (const bytes of read.value) {
        await pace();
        if (marks.some((mark) => holds(bytes, mark))) {
          // Signature and chain were verified before it was stored.
          const entry = await openEntry(ledgerEventSchema, bytes, verifiedBefore);
          if (!entry.ok) return fail('ledger_damaged', `Entry ${from} of that log is damaged: ${entry.error.message}`);
          const at = Math.min(entry.value.at, LATEST_DATE_MS);
          if (kinds.includes(entry.value.event.kind) && (await take({ ...entry.value, at }))) changed = true;
        }
        from += 1;
      }
      readTo.set(author, from);
    }
    return ok(undefined);
  }

  return {
    async readOn() {
      const pace = createPace(clock);
      const heads = ledger.heads();
      const without = heads.map(({ author }) => author).filter(leavesOut);
      const nowUnread = JSON.stringify([[...ledger.state.bannedFrom].sort(), without]);
      if (nowUnread !== unread) {
        startAnew();
        readTo.clear();
        unread = nowUnread;
        changed = true;
      }
      for (const { author, length } of heads) {
        const read = leavesOut(author) ? ok(undefined) : await readLog(author, length, pace);
        if (!read.ok) return read;
      }
      const any = changed;
      changed = false;
      return ok(any);
    },
  };
}

function holds(bytes: Uint8Array, mark: Uint8Array): boolean {
  const first = mark[0]!;
  for (let at = bytes.indexOf(first); at !== -1 && at <= bytes.length - mark.length; at = bytes.indexOf(first, at + 1))
    if (mark.every((one, offset) => bytes[at + offset] === one)) return true;
  return false;
}
