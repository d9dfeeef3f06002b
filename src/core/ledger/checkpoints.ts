import { hex } from '../base/bytes';
import { encodeCanonical, sha256 } from '../base/canonical';
import type { NodeId } from '../base/ids';
import { ok, type Result } from '../base/result';
import type { KeyValueStore } from '../storage/ports';
import type { ChainHead } from './chain';
import { SNAPSHOT_VERSION, type FoldSnapshot, type LedgerFold } from './fold';
import { joinSnapshots } from './join-snapshots';
import { packPlain, unpackPlain } from './pack-plain';

/** The head of a log at a checkpoint. */
export type CheckpointHead = readonly [author: NodeId, id: string, length: number, lamport: number];

/** All that a ledger goes on from: how far each log was held, and what the entries came to that the fold had taken. */
export interface Checkpoint {
  readonly heads: readonly CheckpointHead[];
  readonly fold: FoldSnapshot;
}

/**
 * One record of a checkpoint: all of it, or what changed since the record before. A fold is a function of the entries that it took, so
 * one that begins where another ends goes on from it, whoever wrote the two.
 */
interface Part extends Checkpoint {
  readonly v: 2;
  /** Digest of the state that it goes on from; null for all of it. */
  readonly after: string | null;
  /** Of the state that it ends in. */
  readonly to: string;
  /** Number of the first part behind this one, where this one is all of it. */
  readonly next: number;
}

export interface Checkpoints {
  /** The latest that is kept whole. Null where there is none: one of another version, or torn, costs a replay and nothing else. */
  read(): Promise<Result<Checkpoint | null>>;
  /**
   * Keeps where the ledger is now. Costs what changed since the last one, and all of it where the changes have become half as large as
   * that: so reading it costs little more than reading all of it, and writing it the same for each entry however long the logs become.
   */
  write(logs: ReadonlyMap<NodeId, { readonly head: ChainHead }>, fold: LedgerFold): Promise<void>;
  /** What is written next is all of it: the fold is another than the one before. */
  startAnew(): void;
  /** As if none had been written. */
  forget(): Promise<Result<void>>;
}

/** All of it is written again where the changes behind it are larger than this part of it. */
const MAX_PARTS_OVER_WHOLE = 0.5;
/** Smaller changes, in characters, cost too little to be worth it. */
const LEAST_BEFORE_WHOLE = 256 * 1024;

export function createCheckpoints(records: KeyValueStore, community: string): Checkpoints {
  const wholeKey = `ledger-checkpoint/${community}`;
  const partsPrefix = `${wholeKey}/`;
  const keyOf = (part: number): string => `${partsPrefix}${String(part).padStart(9, '0')}`;
  /** Where the last record ended; null where the next one has to be all of it. */
  let last: { readonly to: string; readonly lengths: ReadonlyMap<NodeId, number> } | null = null;
  let next = 0;
  /** Characters of the record with all of it, and of those behind it. */
  let wholeSize = 0;
  let partsSize = 0;

  const lengthsOf = (heads: readonly CheckpointHead[]) => new Map(heads.map(([author, , length]) => [author, length]));

  async function readPart(key: string): Promise<Result<(Part & { readonly size: number }) | null>> {
    const kept = await records.get<unknown>(key);
    if (!kept.ok) return kept;
    if (typeof kept.value !== 'string') return ok(null);
    const unpacked = unpackPlain(kept.value);
    const part = unpacked.ok ? (unpacked.value as Part) : null;
    const fits = part?.v === 2 && part.fold.v === SNAPSHOT_VERSION && part.fold.community === community;
    return ok(fits ? { ...part, size: kept.value.length } : null);
  }

  async function read(): Promise<Result<Checkpoint | null>> {
    const [whole, keys] = await Promise.all([readPart(wholeKey), records.keys(partsPrefix)]);
    if (!whole.ok) return whole;
    if (!keys.ok) return keys;
    if (whole.value === null) return ok(null);
    const { value: first } = whole;
    const behind = await Promise.all(keys.value.filter((key) => key >= keyOf(first.next)).map(readPart));
    const joined = [first];
    for (const part of behind) {
      if (!part.ok) return part;
      if (part.value === null || part.value.after !== joined.at(-1)!.to) break;
      joined.push(part.value);
    }
    const heads = new Map(joined.flatMap((part) => part.heads.map((head) => [head[0], head] as const)));
    const checkpoint: Checkpoint = {
      heads: [...heads.values()],
      fold: joinSnapshots(
        first.fold,
        joined.slice(1).map(({ fold }) => fold),
      ),
    };
    last = { to: joined.at(-1)!.to, lengths: lengthsOf(checkpoint.heads) };
    next = first.next + joined.length - 1;
    wholeSize = first.size;
    partsSize = joined.slice(1).reduce((sum, { size }) => sum + size, 0);
    return ok(checkpoint);
  }

  async function write(logs: ReadonlyMap<NodeId, { readonly head: ChainHead }>, fold: LedgerFold): Promise<void> {
    const heads = [...logs].flatMap(([author, { head }]): CheckpointHead[] =>
      head.id === null ? [] : [[author, head.id, head.length, head.lamport]],
    );
    const before = last;
    const to = digestOf(heads, fold);
    const changes = fold.takeChanges();
    last = { to, lengths: lengthsOf(heads) };
    if (before === null || partsSize > Math.max(LEAST_BEFORE_WHOLE, wholeSize * MAX_PARTS_OVER_WHOLE)) {
      const text = textOf({ v: 2, after: null, to, next, heads, fold: fold.snapshot() });
      [wholeSize, partsSize] = [text.length, 0];
      const written = await records.set(wholeKey, text);
      return written.ok ? forgetBefore(next) : startAnew();
    }
    const changed = heads.filter(([author, , length]) => before.lengths.get(author) !== length);
    const text = textOf({ v: 2, after: before.to, to, next: 0, heads: changed, fold: changes });
    partsSize += text.length;
    const written = await records.set(keyOf(next++), text);
    // What it held stands in no record: the next one holds everything.
    if (!written.ok) startAnew();
  }

  /** Parts that go on from nothing that is kept. Whether they are gone matters to nobody but the disk. */
  async function forgetBefore(part: number): Promise<void> {
    const keys = await records.keys(partsPrefix);
    for (const key of keys.ok ? keys.value : []) if (key < keyOf(part)) await records.delete(key);
  }

  function startAnew(): void {
    last = null;
  }

  function forget(): Promise<Result<void>> {
    startAnew();
    return records.delete(wholeKey);
  }

  return { read, write, startAnew, forget };
}

const textOf = (part: Part): string => packPlain(part);

/** Of everything that the state is a function of: which entries are held, how many of each log were taken, and who is banned. */
function digestOf(heads: readonly CheckpointHead[], fold: LedgerFold): string {
  const taken = heads.map(([author, id, length]) => [author, id, length, fold.lengthOf(author)] as const);
  const banned = [...fold.state.bannedFrom];
  const byAuthor = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
  return hex(sha256(encodeCanonical([taken.sort(byAuthor), banned.sort(byAuthor)])));
}
