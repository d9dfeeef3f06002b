import type { NodeId } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import { fail, ok, type Result } from '#core/base/result';
import { continues, EMPTY_HEAD, openEquivocation, type ChainHead, type EntryRef } from '#core/ledger/chain';
import { createLedgerFold, type LedgerFold } from '#core/ledger/fold';
import type { Ledger, LogHead } from '#core/ledger/ledger';
import { openLedgerEntry, type OpenedEntry } from '#core/ledger/open-event';
import type { ForgerView, ReplayProgress } from './ledger-desk-views';

/** Entries read from the store at a time; each is opened by itself. */
const READ_BATCH = 64;
/** Opened entries of one log that wait for another log, so that long logs are never in memory whole. */
const MOST_AHEAD = 1_024;
/** So long at once, and then the page comes first: a frame stays a frame. */
const SLICE_MS = 8;

/** Lets the page have its turn where this had its own. */
export type Pace = () => Promise<void>;

export function createPace(clock: Pick<Clock, 'monotonicMs' | 'after'>): Pace {
  let began = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - began < SLICE_MS) return;
    await new Promise<void>((resolve) => clock.after(0, resolve));
    began = clock.monotonicMs();
  };
}

export interface ReplayDeps {
  readonly verify: Verify;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ReplayProgress) => void;
}

/** What the logs held came to when they were read from nothing. */
export interface HeldReplay {
  readonly fold: LedgerFold;
  readonly logs: number;
  readonly entries: number;
  readonly signatures: number;
  readonly forgers: readonly ForgerView[];
  /** Logs that could not go on, and for which entry each waits. */
  readonly waiting: ReadonlyMap<NodeId, EntryRef>;
  /** Where each log ended. */
  readonly heads: readonly LogHead[];
}

interface Reading {
  head: ChainHead;
  readonly ahead: OpenedEntry[];
}

/**
 * Replays every log that is held from its first byte: signatures, chains, rules, as `replayLedgerFile` does for a file, but in small
 * slices and without holding the logs in memory. Goes on until nothing new has come meanwhile. Codes: `stopped`, `ledger_damaged`
 * (the message says whose entry), storage codes.
 */
export async function replayHeld(ledger: Ledger, deps: ReplayDeps): Promise<Result<HeldReplay>> {
  const { pace, signal, onProgress } = deps;
  const fold = createLedgerFold(ledger.community);
  let signatures = 0;
  const verify: Verify = (node, bytes, signature) => {
    signatures += 1;
    return deps.verify(node, bytes, signature);
  };
  const forgers = await openForgers(ledger, verify);
  if (!forgers.ok) return forgers;
  for (const { node, seq } of forgers.value) fold.ban(node, seq);

  const readings = new Map<NodeId, Reading>();
  const waiting = new Map<NodeId, EntryRef>();
  let done = 0;

  function advance(first: NodeId): void {
    const turn = [first];
    for (let author = turn.pop(); author !== undefined; author = turn.pop()) {
      const { ahead } = readings.get(author)!;
      waiting.delete(author);
      for (let entry = ahead[0]; entry !== undefined; entry = ahead[0]) {
        const added = fold.add(entry);
        if (added.status === 'waiting') {
          waiting.set(author, added.missing);
          break;
        }
        ahead.shift();
        if (added.status === 'ignored') continue;
        for (const [other, ref] of waiting) if (ref.id === entry.id) turn.push(other);
      }
    }
  }

  /** Whether anything was read. */
  async function readOn({ author, length }: LogHead): Promise<Result<boolean>> {
    const log = readings.get(author) ?? { head: EMPTY_HEAD, ahead: [] };
    readings.set(author, log);
    const from = log.head.length;
    if (from >= length || (waiting.has(author) && log.ahead.length >= MOST_AHEAD)) return ok(false);
    const read = await ledger.bytesOf(author, from, Math.min(READ_BATCH, length - from));
    if (!read.ok) return read;
    const damaged = (why: string) => fail('ledger_damaged', `Entry ${log.head.length} of ${author} is damaged: ${why}`);
    if (read.value.length === 0) return damaged('it is missing.');
    for (const bytes of read.value) {
      const entry = await openLedgerEntry(bytes, verify);
      if (!entry.ok) return damaged(entry.error.message);
      const next = continues(log.head, { community: ledger.community.id, author }, entry.value);
      if (!next.ok) return damaged(next.error.message);
      log.head = next.value;
      log.ahead.push(entry.value);
      advance(author);
      done += 1;
      if (signal.aborted) return STOPPED;
      await pace();
    }
    return ok(true);
  }

  for (;;) {
    const heads = ledger.heads();
    const total = heads.reduce((sum, { length }) => sum + length, 0);
    let anything = false;
    // A batch of each in turn: what waits for another log waits shortly.
    for (const head of heads) {
      const read = await readOn(head);
      if (!read.ok) return read;
      anything ||= read.value;
      onProgress({ done, total });
    }
    if (anything) continue;
    return ok({
      fold,
      logs: heads.length,
      entries: done,
      signatures,
      forgers: forgers.value,
      waiting,
      heads,
    });
  }
}

const STOPPED = fail('stopped', 'It was stopped before it came to an end.');

/** Who signed two entries for one place, by the proofs that are held, each verified again. */
async function openForgers(ledger: Ledger, verify: Verify): Promise<Result<readonly ForgerView[]>> {
  const forgers: ForgerView[] = [];
  for (const proof of ledger.proofs) {
    const opened = await openEquivocation(proof, verify);
    if (!opened.ok) return fail('ledger_damaged', `A proof of a forgery is damaged: ${opened.error.message}`);
    const { author, seq, ids } = opened.value;
    forgers.push({ node: author, seq, entries: ids });
  }
  return ok(forgers.sort((a, b) => (a.node < b.node ? -1 : 1)));
}
