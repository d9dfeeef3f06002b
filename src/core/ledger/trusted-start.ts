import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { Community } from '../identity/community';
import type { EventLogStore, NodeStorage } from '../storage/ports';
import { idOfSigned, type Signed } from '../wire/signed';
import {
  openCertified,
  unpackCertified,
  type CertifiedCheckpoint,
  type LedgerCheckpoint,
} from './certified-checkpoint';
import { continues, EMPTY_HEAD, type ChainHead } from './chain';
import type { Checkpoint } from './checkpoints';
import { openLedgerEntry } from './open-event';
import { createTailedLog, type TailedLog } from './tailed-log';
import { verifiedBefore } from './verified-before';

/** From where a log is held that had no beginning here: how many entries come before, and the last of them. */
export type Base = readonly [author: NodeId, length: number, id: string];

interface KeptStart {
  readonly v: 1;
  readonly signed: Signed;
  /** What the checkpoint holds; null once every beginning is here, and nothing needs it any more. */
  readonly packed: Uint8Array<ArrayBuffer> | null;
  readonly bases: readonly Base[];
}

/** Entries of a log that are not here yet. */
export interface MissingBeginning {
  readonly author: NodeId;
  readonly from: number;
  readonly to: number;
}

/** A checkpoint that a node began with instead of replaying what came before. */
export interface Start {
  readonly signed: Signed;
  readonly statement: LedgerCheckpoint;
}

/** With which checkpoint the ledger began, and what of the logs is still missing before it. */
export interface TrustedStart {
  readonly start: Start | null;
  /** Whether every log is held from its first entry. */
  readonly whole: boolean;
  /** What it began with; null where it began with nothing, and where every beginning is here. */
  checkpoint(): Checkpoint | null;
  storeOf(author: NodeId): Pick<EventLogStore, 'append' | 'appendAll' | 'read'>;
  /** How many entries of a log came before what is held of it from then on; null where it is held from its first. */
  baseOf(author: NodeId): number | null;
  /** Whether nothing is left of an earlier beginning with that checkpoint. Codes: `begun_already`, storage codes. */
  mayKeep(signed: Signed, short: readonly Base[]): Promise<Result<void>>;
  /** Written before anything goes by it. `short`: logs of which less is held than the checkpoint covers. */
  keep(certified: CertifiedCheckpoint, opened: Start, short: readonly Base[]): Promise<Result<void>>;
  /** `bannedFrom`: of who signed two histories nothing is needed from that place on. */
  missing(bannedFrom: ReadonlyMap<NodeId, number>): Promise<Result<readonly MissingBeginning[]>>;
  /**
   * The next entries of a beginning, each verified as any other that is received. Codes: those of entries, `log_gap` (nothing is missing there),
   * `log_forked` (it ends in another entry than the checkpoint says), storage codes.
   */
  receive(author: NodeId, from: number, entries: readonly Uint8Array[]): Promise<Result<{ readonly length: number }>>;
  /** Nothing needs the checkpoint any more: every beginning is here. */
  forgetCheckpoint(): Promise<Result<void>>;
  /** What it began with does not fit what is held: the logs are what they were without it. */
  drop(): Promise<Result<void>>;
}

export interface TrustedStartDeps {
  readonly storage: NodeStorage;
  readonly community: Community;
  readonly verify: Verify;
}

/** Of the checkpoint's id: enough to tell two of one community apart, and short enough for a name of a log. */
const TAIL_ID_LENGTH = 20;

/** `record`: what is kept under `ledger-start/` and the community. One that cannot be read is a start from nothing, which costs a replay. */
export async function openTrustedStart(
  { storage, community, verify }: TrustedStartDeps,
  record: unknown,
): Promise<TrustedStart> {
  const key = `ledger-start/${community.id}`;
  const mainOf = (author: NodeId): EventLogStore => storage.logNamed(`${community.id}/${author}`);
  const tails = new Map<NodeId, { readonly base: Base; readonly log: TailedLog }>();
  /** Where the beginnings end that are not whole yet; read when they are asked for. */
  const begun = new Map<NodeId, ChainHead>();
  let kept: KeptStart | null = null;
  let start: Start | null = null;

  const tailOf = (signed: Signed, author: NodeId): EventLogStore =>
    storage.logNamed(`tail/${idOfSigned(signed).slice(-TAIL_ID_LENGTH)}/${author}`);

  function take(record: KeptStart | null, opened: Start | null): void {
    [kept, start] = [record, opened];
    tails.clear();
    begun.clear();
    for (const base of record?.bases ?? []) {
      const [author, length] = base;
      tails.set(author, { base, log: createTailedLog(length, mainOf(author), tailOf(record!.signed, author)) });
    }
  }

  const before = record as KeptStart | undefined;
  if (before?.v === 1) {
    // It was verified before it was kept.
    const statement = await openCertified(before.signed, community, verifiedBefore);
    if (statement.ok) take(before, { signed: before.signed, statement: statement.value });
  }

  /** Where the beginning of a log ends that is held so far; null where all of it is here, or none is missing. */
  async function beginningOf(author: NodeId): Promise<Result<ChainHead | null>> {
    const tail = tails.get(author);
    if (tail === undefined) return ok(null);
    const known = begun.get(author);
    if (known !== undefined) return ok(known.length < tail.base[1] ? known : null);
    const length = await tail.log.begun();
    if (!length.ok) return length;
    let head: ChainHead = EMPTY_HEAD;
    if (length.value > 0) {
      const last = await tail.log.read(length.value - 1, 1);
      if (!last.ok) return last;
      const entry = await openLedgerEntry(last.value[0]!.bytes, verifiedBefore);
      if (!entry.ok) return fail('ledger_damaged', `Entry ${length.value - 1} of another node’s log is damaged.`);
      head = { id: entry.value.id, length: length.value, lamport: entry.value.lamport };
    }
    begun.set(author, head);
    return ok(head.length < tail.base[1] ? head : null);
  }

  return {
    get start() {
      return start;
    },
    get whole() {
      return kept === null || kept.packed === null;
    },
    checkpoint() {
      if (start === null || kept === null || kept.packed === null) return null;
      const unpacked = unpackCertified(start.statement, kept.packed);
      return unpacked.ok ? unpacked.value : null;
    },
    storeOf: (author) => tails.get(author)?.log ?? mainOf(author),
    baseOf: (author) => tails.get(author)?.base[1] ?? null,
    async mayKeep(signed, short) {
      const lengths = await Promise.all(short.map(([author]) => tailOf(signed, author).length()));
      for (const length of lengths) {
        if (!length.ok) return length;
        if (length.value > 0) return fail('begun_already', 'This ledger began with that checkpoint before.');
      }
      return ok(undefined);
    },
    async keep({ signed, packed }, opened, short) {
      const record: KeptStart = { v: 1, signed, packed, bases: short };
      const written = await storage.records.set(key, record);
      if (written.ok) take(record, opened);
      return written;
    },
    async missing(bannedFrom) {
      const missing: MissingBeginning[] = [];
      for (const [author, { base }] of tails) {
        const head = await beginningOf(author);
        if (!head.ok) return head;
        const to = Math.min(base[1], bannedFrom.get(author) ?? Infinity);
        if (head.value !== null && head.value.length < to) missing.push({ author, from: head.value.length, to });
      }
      return ok(missing);
    },
    async receive(author, from, entries) {
      const beginning = await beginningOf(author);
      if (!beginning.ok) return beginning;
      if (beginning.value === null || beginning.value.length !== from)
        return fail('log_gap', 'No entries of that log are missing there.');
      const { base, log } = tails.get(author)!;
      const [, to, id] = base;
      const taken = entries.slice(0, to - from);
      let head = beginning.value;
      for (const bytes of taken) {
        const entry = await openLedgerEntry(bytes, verify);
        if (!entry.ok) return entry;
        const next = continues(head, { community: community.id, author }, entry.value);
        if (!next.ok) return next;
        head = next.value;
      }
      if (head.length === to && head.id !== id)
        return fail('log_forked', 'That log is another than the one that the checkpoint is about.');
      const stored = await log.appendBeginning(from, taken);
      if (!stored.ok) return stored;
      begun.set(author, head);
      return ok({ length: head.length });
    },
    async forgetCheckpoint() {
      if (kept === null || kept.packed === null) return ok(undefined);
      const record: KeptStart = { ...kept, packed: null };
      const written = await storage.records.set(key, record);
      if (written.ok) kept = record;
      return written;
    },
    async drop() {
      const deleted = await storage.records.delete(key);
      if (deleted.ok) take(null, null);
      return deleted;
    },
  };
}
