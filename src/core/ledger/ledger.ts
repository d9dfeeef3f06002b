import { equalBytes } from '../base/bytes';
import { cidOf, decodeOwn } from '../base/canonical';
import { createEmitter, type EventSource } from '../base/events';
import type { NodeId } from '../base/ids';
import type { Clock, Signer, Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import type { Community } from '../identity/community';
import type { EventLogStore, NodeStorage } from '../storage/ports';
import { checkAgainst } from '../wire/gate';
import { idOfSigned, type Signature, type Signed } from '../wire/signed';
import {
  continues,
  EMPTY_HEAD,
  equivocationOf,
  equivocationSchema,
  openEntry,
  openEquivocation,
  signEntry,
  type ChainEntry,
  type ChainHead,
  type EntryRef,
  type EquivocationProof,
} from './chain';
import type { CertifiedCheckpoint } from './certified-checkpoint';
import { createCheckpoints, type Checkpoint, type CheckpointHead } from './checkpoints';
import { ledgerEventSchema, type LedgerEvent } from './events';
import { createLedgerFold, type LedgerFold } from './fold';
import type { LedgerState } from './ledger-state';
import { receiptsOfOldLog } from './old-log';
import { openInside, openLedgerEntry, type OpenedEntry } from './open-event';
import { openReceipt } from './receipts';
import type { MissingBeginning, Start, TrustedStart } from './trusted-start';
import { verifiedBefore } from './verified-before';

/** Entries read from the store at a time. */
const READ_BATCH = 500;
/** Entries behind a checkpoint that are read with the end of each log: most often all that there are. */
const READ_BEHIND = 16;
/** Logs of others that are held, and entries of each: past it a community needs a node that keeps them for all. */
export const MAX_LOGS_HELD = 2_000;
export const MAX_ENTRIES_PER_LOG = 200_000;
/** A checkpoint is written when this many entries came since: what stands behind it is read entry by entry when the ledger opens. */
const SINCE_CHECKPOINT = 250;

export type LedgerEntry = ChainEntry<LedgerEvent>;

/** How far a log is held. */
export interface LogHead {
  readonly author: NodeId;
  readonly length: number;
  /** Content id of its last entry. */
  readonly id: string;
}

export interface LedgerChange {
  readonly author: NodeId;
  /** The entry, when this node wrote it. */
  readonly own: LedgerEntry | null;
}

export interface Received {
  readonly added: number;
  /** How much of the log is held now. */
  readonly length: number;
}

/**
 * The logs of one community as one node holds them: its own, and those of others that it heard of. `append` resolves only
 * after the entry is strictly committed: whoever then sends the statement that the entry holds can never have said more than the
 * log knows. A failed write, and entries of others that are refused, leave everything as it was.
 */
export interface Ledger {
  readonly author: NodeId;
  readonly community: Community;
  /** Of this node's own log. */
  readonly head: ChainHead;
  readonly state: LedgerState;
  readonly changed: EventSource<LedgerChange>;
  append(event: LedgerEvent, refs?: readonly EntryRef[]): Promise<Result<LedgerEntry>>;
  /** Every log that holds entries, ascending by author. */
  heads(): readonly LogHead[];
  /** Entries of a log as they are stored, from `from`, at most `limit`. */
  bytesOf(author: NodeId, from: number, limit: number): Promise<Result<readonly Uint8Array<ArrayBuffer>[]>>;
  /** The same, decoded for reading. */
  entriesOf(author: NodeId, from: number, limit: number): Promise<Result<readonly LedgerEntry[]>>;
  /** A receipt with every signature that any log holds; null when none is known. */
  receiptOf(id: string): Promise<Result<Signed | null>>;
  /**
   * Entries of another node's log that begin at `from`: verified, held against what is held, stored. Where they contradict it, the
   * proof is kept and the author banned. Codes: those of the entries, `log_gap` (entries before `from` are missing),
   * `log_forked` (the two logs parted before `from`, whether or not these prove it: give earlier entries), `log_full`, `banned`,
   * storage codes.
   */
  receive(author: NodeId, from: number, entries: readonly Uint8Array[]): Promise<Result<Received>>;
  readonly proofs: readonly EquivocationProof[];
  /** True when it was new. Codes of `openEquivocation`, `foreign_community`. */
  receiveProof(proof: EquivocationProof): Promise<Result<boolean>>;
  /** Everything held, as file text. The same logs give the same text. */
  export(): Promise<Result<string>>;
  /**
   * Logs of the same community out of a file, or the receipts of an old one: all verified before anything is taken. `added`
   * counts entries (receipts of an old file).
   */
  import(fileText: string): Promise<Result<{ readonly added: number; readonly known: number }>>;
  /** Resolves when everything that was issued is written, a checkpoint included where one was due. */
  settled(): Promise<void>;
  /**
   * How far each log is held and what they come to, to be certified for others. Null while an entry waits for another, and where this
   * ledger itself began with a checkpoint.
   */
  checkpoint(): Checkpoint | null;
  /** With which certified checkpoint this ledger began; null where it was read from the first entries. */
  readonly start: Start | null;
  /**
   * Goes on from a checkpoint that the manifest's witnesses certified, instead of fetching and replaying what came before: the state is
   * theirs from then on, and the entries before it may come later. Once for a ledger. Codes: those of `openCertified` and `unpackCertified`,
   * `begun_already`, `log_full`, `own_log` (it knows more of this node's own log, or another), `log_forked` (it is about other entries than
   * are held), `banned` (it counts what a proof held here makes void, or leaves out what no proof held here does), storage codes. Refused, the
   * state stays what it was; where the disk was full, the next start may have to replay.
   */
  begin(certified: CertifiedCheckpoint): Promise<Result<void>>;
  /** The position from which on a log is held for certain: until every beginning is here, what comes before may be missing. */
  heldFrom(author: NodeId): number;
  /** What is missing of logs before the checkpoint that this ledger began with. */
  missing(): Promise<Result<readonly MissingBeginning[]>>;
  /** The next entries of what is missing of a log. Codes of `TrustedStart.receive`. */
  receiveBeginning(
    author: NodeId,
    from: number,
    entries: readonly Uint8Array[],
  ): Promise<Result<{ readonly length: number }>>;
}

export interface LedgerDeps {
  readonly storage: NodeStorage;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly community: Community;
  /** The community's signed manifest, for the file that others replay. */
  readonly manifest: Signed;
  /** Entries after which a checkpoint is due; 250 when absent. */
  readonly checkpointAfter?: number;
}

interface HeldLog {
  head: ChainHead;
  /** Opened entries that the fold has not taken yet; what is beyond them lies in the store. */
  readonly ahead: OpenedEntry[];
}

/**
 * Opens the logs: from the last checkpoint where there is one, else from their first entries. Of what is read every author's signature
 * and every chain is checked, so that damage is found; what entries carry was verified before it was stored, and is not again. Codes:
 * `ledger_damaged`, storage codes.
 */
export async function openLedger(deps: LedgerDeps): Promise<Result<Ledger>> {
  const { storage, signer, verify, clock, community } = deps;
  const { records } = storage;
  const self = signer.nodeId;
  const prefix = `${community.id}/`;
  const checkpoints = createCheckpoints(records, community.id);
  const proofsKey = `ledger-proofs/${community.id}`;
  const changed = createEmitter<LedgerChange>();
  const logs = new Map<NodeId, HeldLog>();
  /** Authors that wait for an entry of another, by its id. */
  const blocked = new Map<string, Set<NodeId>>();
  const proofByAuthor = new Map<NodeId, EquivocationProof>();
  let fold: LedgerFold = createLedgerFold(community);
  let sinceCheckpoint = 0;
  /** Signing is one after the other, because each entry names the one before; writes that overlap may share one commit. */
  let queue: Promise<unknown> = Promise.resolve();
  /** Everything that changes logs of others, one after the other. */
  let intake: Promise<unknown> = Promise.resolve();
  let writes: Promise<unknown> = Promise.resolve();
  let checkpointing: Promise<unknown> = Promise.resolve();
  /** Where the next own entry will stand once everything on its way is written. */
  let planned: ChainHead = EMPTY_HEAD;

  const keptStart = await records.get<unknown>(`ledger-start/${community.id}`);
  if (!keptStart.ok) return keptStart;
  // Most ledgers never need it, and every page loads what opens one.
  const openStart = async (): Promise<TrustedStart> => {
    const { openTrustedStart } = await import('./trusted-start');
    return openTrustedStart({ storage, community, verify }, keptStart.value);
  };
  let beginnings: TrustedStart | null = keptStart.value === undefined ? null : await openStart();
  const storeOf = (author: NodeId): Pick<EventLogStore, 'append' | 'appendAll' | 'read'> =>
    beginnings?.storeOf(author) ?? storage.logNamed(`${prefix}${author}`);
  const missing = async (): Promise<Result<readonly MissingBeginning[]>> =>
    (await beginnings?.missing(fold.state.bannedFrom)) ?? ok([]);
  /** The state is by a checkpoint that a proof made void, until the entries are here by which it can be judged anew. */
  let voided = false;
  /** What is shown while the state is made anew: by half of it, what was claimed long ago would be claimed again. */
  let stateBefore: LedgerState | null = null;
  /** What is written meanwhile is of a state that is about to be replaced. */
  let beginsAnew = false;

  const logOf = (author: NodeId): HeldLog => {
    const known = logs.get(author) ?? { head: EMPTY_HEAD, ahead: [] };
    logs.set(author, known);
    return known;
  };

  async function bytesOf(
    author: NodeId,
    from: number,
    limit: number,
  ): Promise<Result<readonly Uint8Array<ArrayBuffer>[]>> {
    const batch = await storeOf(author).read(from, limit);
    return batch.ok ? ok(batch.value.map(({ bytes }) => bytes)) : batch;
  }

  /** Entries that were just opened stay in memory for the fold where they are the next it takes, up to a batch. */
  function keepAhead(author: NodeId, log: HeldLog, entries: readonly OpenedEntry[]): void {
    for (const entry of entries) {
      const next = log.ahead.length === 0 ? fold.lengthOf(author) : log.ahead.at(-1)!.seq + 1;
      if (entry.seq === next && log.ahead.length < READ_BATCH) log.ahead.push(entry);
    }
  }

  /** Lets the fold take what it can of a log, and of those that waited for it. */
  async function advance(first: NodeId): Promise<Result<void>> {
    const turn = [first];
    for (let author = turn.pop(); author !== undefined; author = turn.pop()) {
      const log = logOf(author);
      for (;;) {
        const at = fold.lengthOf(author);
        if (at >= log.head.length || isBanned(author, at)) break;
        if (log.ahead[0]?.seq !== at) {
          const read = await bytesOf(author, at, READ_BATCH);
          if (!read.ok) return read;
          log.ahead.length = 0;
          for (const bytes of read.value) {
            const opened = await openLedgerEntry(bytes, verifiedBefore);
            if (!opened.ok) return damaged(author, at + log.ahead.length, opened.error.message);
            log.ahead.push(opened.value);
          }
          if (log.ahead.length === 0) return damaged(author, at, 'it is missing.');
        }
        const entry = log.ahead[0]!;
        const added = fold.add(entry);
        if (added.status === 'waiting') {
          const waiting = blocked.get(added.missing.id) ?? new Set();
          blocked.set(added.missing.id, waiting.add(author));
          break;
        }
        log.ahead.shift();
        if (added.status === 'ignored') break;
        sinceCheckpoint += 1;
        for (const waiting of blocked.get(entry.id) ?? []) turn.push(waiting);
        blocked.delete(entry.id);
      }
    }
    return ok(undefined);
  }

  const isBanned = (author: NodeId, seq: number): boolean => (fold.state.bannedFrom.get(author) ?? Infinity) <= seq;

  const damaged = (author: NodeId, at: number, why: string) =>
    fail(
      'ledger_damaged',
      `Entry ${at} of ${author === self ? 'the ledger' : 'another node’s log'} is damaged: ${why}`,
    );

  // Opening -------------------------------------------------------------------------------------------------------------

  /**
   * The rest of a log, its chain checked and its author's signature over every entry: so it is what was stored. What stands inside of
   * them was verified before that. `first` are the next entries, where they were read already.
   */
  async function readOn(author: NodeId, first: readonly Uint8Array[] | null): Promise<Result<void>> {
    const log = logOf(author);
    for (let next = first; ; next = null) {
      const batch = next === null ? await bytesOf(author, log.head.length, READ_BATCH) : ok(next);
      if (!batch.ok) return batch;
      const opened = await Promise.all(batch.value.map((bytes) => openLedgerEntry(bytes, verify, verifiedBefore)));
      for (const entry of opened) {
        const { length } = log.head;
        if (!entry.ok) return damaged(author, length, entry.error.message);
        const head = continues(log.head, { community: community.id, author }, entry.value);
        if (!head.ok) return damaged(author, length, head.error.message);
        log.head = head.value;
        keepAhead(author, log, [entry.value]);
      }
      const advanced = await advance(author);
      if (!advanced.ok) return advanced;
      if (batch.value.length < (next === null ? READ_BATCH : READ_BEHIND)) return ok(undefined);
    }
  }

  /**
   * The first entries behind where the checkpoint ends; null where the log is another: a checkpoint is written after what it covers,
   * and where the store lost entries that it names, it is not believed.
   */
  async function behindCheckpoint(author: NodeId, head: ChainHead): Promise<Result<readonly Uint8Array[] | null>> {
    // The last entry that a certified checkpoint covers may not be here yet.
    if (beginnings?.baseOf(author) === head.length) return bytesOf(author, head.length, READ_BEHIND);
    const read = await bytesOf(author, head.length - 1, 1 + READ_BEHIND);
    if (!read.ok) return read;
    const [last, ...behind] = read.value;
    const signed = last === undefined ? null : decodeOwn(last);
    const payload = signed?.ok ? (signed.value as Partial<Signed> | null)?.payload : undefined;
    return ok(payload instanceof Uint8Array && cidOf(payload) === head.id ? behind : null);
  }

  /** From the checkpoint, else from the certified one that this ledger began with, else from nothing. */
  async function readLogs(
    latest: Checkpoint | null,
    naming: Promise<Result<readonly string[]>> = storage.logNames(prefix),
    fromNothing = false,
  ): Promise<Result<void>> {
    const checkpoint = latest ?? (fromNothing ? null : (beginnings?.checkpoint() ?? null));
    if (checkpoint === null && !fromNothing && beginnings?.whole === false) {
      // What it began with cannot be read any more, and without it the logs have no beginning.
      const dropped = await beginnings.drop();
      if (!dropped.ok) return dropped;
    }
    fold = createLedgerFold(community, checkpoint?.fold);
    voided = false;
    if (latest === null) checkpoints.startAnew();
    logs.clear();
    blocked.clear();
    for (const [author, id, length, lamport] of checkpoint?.heads ?? []) logOf(author).head = { id, length, lamport };
    sinceCheckpoint = 0;
    for (const [author, proof] of proofByAuthor) {
      const opened = await openEquivocation(proof, verifiedBefore);
      // What the checkpoint says was judged by entries that the proof makes void.
      if (!opened.ok || fold.ban(author, opened.value.seq)) continue;
      if (latest !== null) return readLogs(null);
      const lacking = await missing();
      if (!lacking.ok) return lacking;
      if (lacking.value.length === 0) return readLogs(null, naming, true);
      voided = true;
    }
    const covered = [...logs].map(([author, { head }]) => ({ author, head }));
    const names = await naming;
    if (!names.ok) return names;
    // One that is gone altogether is named by the checkpoint alone.
    const ends = await Promise.all(covered.map(({ author, head }) => behindCheckpoint(author, head)));
    for (const [index, { author }] of covered.entries()) {
      const behind = ends[index]!;
      if (!behind.ok) return behind;
      if (behind.value === null) {
        if (latest !== null) return readLogs(null);
        const dropped = await beginnings!.drop();
        return dropped.ok ? readLogs(null) : dropped;
      }
      const read = behind.value.length === 0 ? ok(undefined) : await readOn(author, behind.value);
      if (!read.ok) return read;
    }
    const known = new Set(covered.map(({ author }) => author));
    for (const author of names.value.map((name) => name.slice(prefix.length))) {
      const read = known.has(author) ? ok(undefined) : await readOn(author, null);
      if (!read.ok) return read;
    }
    for (const author of logs.keys()) {
      const advanced = await advance(author);
      if (!advanced.ok) return advanced;
    }
    return ok(undefined);
  }

  // Asked for before they are needed: the names come one by one.
  const naming = storage.logNames(prefix);
  const reading = checkpoints.read();
  const keptProofs = await records.get<readonly unknown[]>(proofsKey);
  if (!keptProofs.ok) return keptProofs;
  for (const kept of keptProofs.value ?? []) {
    const proof = checkAgainst(equivocationSchema, kept);
    const opened = proof.ok ? await openEquivocation(proof.value, verifiedBefore) : proof;
    if (proof.ok && opened.ok && 'author' in opened.value) proofByAuthor.set(opened.value.author, proof.value);
  }
  const checkpoint = await reading;
  if (!checkpoint.ok) return checkpoint;
  const read = await readLogs(checkpoint.value, naming);
  if (!read.ok) return read;
  const own = logOf(self);
  planned = own.head;
  // It may have been stopped when the last of them had come.
  const settledBefore = await whenWhole();
  if (!settledBefore.ok) return settledBefore;

  // Writing -------------------------------------------------------------------------------------------------------------

  function append(event: LedgerEvent, refs: readonly EntryRef[] = []): Promise<Result<LedgerEntry>> {
    const signing = queue.then(async () => {
      const inside = await openInside(event, verify);
      if (!inside.ok) return inside;
      const signed = await signEntry(signer, planned, {
        community: community.id,
        event,
        at: clock.now(),
        refs,
        seenLamport: fold.state.maxLamport,
      });
      planned = signed.head;
      return ok({ ...signed, inside: inside.value, written: storeOf(self).append(signed.entry.seq, signed.bytes) });
    });
    queue = signing.catch(() => undefined);
    const appended = signing.then(async (signed): Promise<Result<LedgerEntry>> => {
      if (!signed.ok) return signed;
      const { entry, head, inside, written } = signed.value;
      const stored = await written;
      if (!stored.ok) {
        // Everything planned after this entry fails as well; the next append starts again from what is stored.
        planned = own.head;
        return stored;
      }
      own.head = head;
      keepAhead(self, own, [{ ...entry, inside }]);
      const advanced = await advance(self);
      if (!advanced.ok) return advanced;
      changed.emit({ author: self, own: entry });
      checkpointWhenDue();
      return ok(entry);
    });
    writes = Promise.allSettled([writes, appended]);
    return appended;
  }

  function checkpointWhenDue(): void {
    // Nor is a state kept that must be judged anew: who finds it could not tell.
    if (beginsAnew || voided || sinceCheckpoint < (deps.checkpointAfter ?? SINCE_CHECKPOINT)) return;
    sinceCheckpoint = 0;
    checkpointing = Promise.allSettled([checkpointing, checkpoints.write(logs, fold)]);
    writes = Promise.allSettled([writes, checkpointing]);
  }

  // Logs of others ------------------------------------------------------------------------------------------------------

  const inTurn = <T>(run: () => Promise<Result<T>>): Promise<Result<T>> => {
    const next = intake.then(run);
    intake = next.catch(() => undefined);
    return next;
  };

  async function receiveNow(author: NodeId, from: number, entries: readonly Uint8Array[]): Promise<Result<Received>> {
    const log = logs.get(author) ?? { head: EMPTY_HEAD, ahead: [] };
    if (author === self) return ok({ added: 0, length: own.head.length });
    if (!logs.has(author) && logs.size >= MAX_LOGS_HELD)
      return fail('log_full', 'This node holds as many logs as it can.');
    if (from + entries.length > MAX_ENTRIES_PER_LOG)
      return fail('log_full', 'That log is longer than this node keeps.');
    if (from > log.head.length) return fail('log_gap', 'Entries of that log are missing before these.');
    const opened: { entry: OpenedEntry; bytes: Uint8Array }[] = [];
    for (const [at, bytes] of entries.entries()) {
      const entry = await openLedgerEntry(bytes, verify);
      if (!entry.ok) return entry;
      const { community: room, author: writer, seq } = entry.value;
      if (room !== community.id) return fail('foreign_community', 'The log belongs to another community.');
      if (writer !== author || seq !== from + at)
        return fail('chain_gap', 'The entries are not those that were asked for.');
      opened.push({ entry: entry.value, bytes });
    }
    const known = opened.filter(({ entry }) => entry.seq < log.head.length);
    for (const { entry, bytes } of known) {
      const stored = await bytesOf(author, entry.seq, 1);
      if (!stored.ok) return stored;
      const [before] = stored.value;
      // Where the beginning of the log is not here yet, nothing can be held against it.
      if (before === undefined || equalBytes(before, bytes)) continue;
      const held = await openEntry(ledgerEventSchema, before, verifiedBefore);
      if (!held.ok) return damaged(author, entry.seq, held.error.message);
      // The same statement under another signature is no second one.
      if (held.value.id === entry.id) continue;
      const proof = equivocationOf({ id: entry.id, bytes }, { id: held.value.id, bytes: before });
      const taken = await takeProof(author, entry.seq, proof);
      if (!taken.ok) return taken;
      // Both go on from different entries: what stands below this place must not count here for one and there for the other.
      return entry.prev === held.value.prev
        ? fail('banned', 'That node signed two different histories.')
        : fail('log_forked', 'The log parts from what is known before these entries.');
    }
    if (isBanned(author, log.head.length)) return fail('banned', 'That node signed two different histories.');
    let head = log.head;
    const fresh = opened.slice(known.length);
    for (const { entry } of fresh) {
      const next = continues(head, { community: community.id, author }, entry);
      if (!next.ok)
        return entry.prev !== head.id
          ? fail('log_forked', 'The log parts from what is known before these entries.')
          : next;
      head = next.value;
    }
    if (fresh.length === 0) return ok({ added: 0, length: log.head.length });
    const stored = await storeOf(author).appendAll(
      log.head.length,
      fresh.map(({ bytes }) => bytes),
    );
    if (!stored.ok) return stored;
    logs.set(author, log);
    keepAhead(
      author,
      log,
      fresh.map(({ entry }) => entry),
    );
    log.head = head;
    const advanced = await advance(author);
    if (!advanced.ok) return advanced;
    changed.emit({ author, own: null });
    checkpointWhenDue();
    return ok({ added: fresh.length, length: head.length });
  }

  /** Own entries that are on their way come first, and further ones wait: a state that is made anew lacks none of them. */
  function whileNoneIsWritten(run: () => Promise<Result<void>>): Promise<Result<void>> {
    // Of now: what is appended later waits for this.
    const before = writes;
    const alone = queue.then(async () => {
      await before;
      await checkpointing;
      return run();
    });
    queue = alone.catch(() => undefined);
    return alone;
  }

  const readAnew = (): Promise<Result<void>> =>
    whileNoneIsWritten(async () => {
      stateBefore = fold.state;
      try {
        const again = await readLogs(null);
        if (!again.ok) return again;
        own.head = logOf(self).head;
        logs.set(self, own);
        return ok(undefined);
      } finally {
        stateBefore = null;
      }
    });

  /** The proof is kept before it changes anything. */
  async function takeProof(author: NodeId, seq: number, proof: EquivocationProof): Promise<Result<boolean>> {
    const before = fold.state.bannedFrom.get(author);
    if (before !== undefined && before <= seq) return ok(false);
    const others = [...proofByAuthor].filter(([other]) => other !== author).map(([, one]) => one);
    const kept = await records.set(proofsKey, [...others, proof]);
    if (!kept.ok) return kept;
    proofByAuthor.set(author, proof);
    if (fold.ban(author, seq)) {
      // Whoever waited for what now never comes goes on without it.
      const waiting = [...new Set([...blocked.values()].flatMap((authors) => [...authors]))];
      blocked.clear();
      for (const one of waiting) {
        const advanced = await advance(one);
        if (!advanced.ok) return advanced;
      }
    } else {
      const again = await readAnew();
      if (!again.ok) return again;
    }
    const settled = await whenWhole();
    if (!settled.ok) return settled;
    changed.emit({ author, own: null });
    return ok(true);
  }

  async function receiveProof(proof: EquivocationProof): Promise<Result<boolean>> {
    const opened = await openEquivocation(proof, verify);
    if (!opened.ok) return opened;
    if (opened.value.community !== community.id)
      return fail('foreign_community', 'The proof is about another community.');
    return inTurn(() => takeProof(opened.value.author, opened.value.seq, proof));
  }

  // Beginning with a checkpoint -----------------------------------------------------------------------------------------

  async function beginNow(certified: CertifiedCheckpoint): Promise<Result<void>> {
    beginnings ??= await openStart();
    const { planBeginning } = await import('./plan-beginning');
    const planned = await planBeginning(certified, {
      community,
      verify,
      self,
      begunAlready: beginnings.start !== null,
      lengthOf: (author) => logs.get(author)?.head.length ?? 0,
      bytesOf,
      bannedFrom: fold.state.bannedFrom,
    });
    if (!planned.ok) return planned;
    const { start, heads, short } = planned.value;
    const may = await beginnings.mayKeep(certified.signed, short);
    if (!may.ok) return may;
    const keeping = beginnings;
    const begun = await whileNoneIsWritten(async () => {
      // Nothing of the state before may be found by the next start beside the new one.
      const forgotten = await checkpoints.forget();
      if (!forgotten.ok) return forgotten;
      const kept = await keeping.keep(certified, start, short);
      if (!kept.ok) return kept;
      ({ fold } = planned.value);
      blocked.clear();
      for (const log of logs.values()) log.ahead.length = 0;
      for (const [author, id, length, lamport] of heads)
        if ((logs.get(author)?.head.length ?? 0) < length) logOf(author).head = { id, length, lamport };
      for (const author of logs.keys()) {
        const advanced = await advance(author);
        if (!advanced.ok) return advanced;
      }
      return ok(undefined);
    });
    if (!begun.ok) return begun;
    sinceCheckpoint = Infinity;
    changed.emit({ author: self, own: null });
    return whenWhole();
  }

  async function begin(certified: CertifiedCheckpoint): Promise<Result<void>> {
    beginsAnew = true;
    try {
      return await beginNow(certified);
    } finally {
      beginsAnew = false;
      checkpointWhenDue();
    }
  }

  async function receiveBeginningNow(
    author: NodeId,
    from: number,
    entries: readonly Uint8Array[],
  ): Promise<Result<{ readonly length: number }>> {
    if (beginnings === null) return fail('log_gap', 'No entries of that log are missing there.');
    const taken = await beginnings.receive(author, from, entries);
    if (!taken.ok) return taken;
    const settled = await whenWhole();
    if (!settled.ok) return settled;
    if (beginnings.whole) changed.emit({ author, own: null });
    return taken;
  }

  /** Where every beginning is here, nothing rests on the checkpoint any more, and what a proof made void is judged anew. */
  async function whenWhole(): Promise<Result<void>> {
    if (beginnings === null || beginnings.whole) return ok(undefined);
    const lacking = await missing();
    if (!lacking.ok || lacking.value.length > 0) return lacking.ok ? ok(undefined) : lacking;
    const forgotten = await beginnings.forgetCheckpoint();
    return forgotten.ok && voided ? readAnew() : forgotten;
  }

  // Files ---------------------------------------------------------------------------------------------------------------

  async function allBytes(author: NodeId): Promise<Result<readonly Uint8Array[]>> {
    const entries: Uint8Array[] = [];
    for (;;) {
      const batch = await bytesOf(author, entries.length, READ_BATCH);
      if (!batch.ok) return batch;
      if (batch.value.length === 0) return ok(entries);
      entries.push(...batch.value);
    }
  }

  async function takeReceipts(receipts: readonly Signed[]): Promise<Result<{ added: number; known: number }>> {
    let added = 0;
    for (const receipt of receipts) {
      const opened = await openReceipt(receipt, verify);
      if (!opened.ok) return opened;
      const known = fold.state.receiptsById.get(opened.value.id);
      if (known && opened.value.signers.every((signer) => known.signers.includes(signer))) continue;
      const appended = await append({ kind: 'receipt.recorded', receipt });
      if (!appended.ok) return appended;
      added += 1;
    }
    return ok({ added, known: receipts.length - added });
  }

  async function importFile(fileText: string): Promise<Result<{ added: number; known: number }>> {
    // Files are rare, and every page loads what opens a ledger.
    const { parseLedgerFile, refusalOfFile } = await import('./ledger-file');
    const parsed = parseLedgerFile(fileText);
    if (!parsed.ok) return parsed;
    if (parsed.value.v === 1) {
      const { author, head, entries } = parsed.value;
      const old = await receiptsOfOldLog(entries, author, verify);
      if (!old.ok) return old;
      if (old.value.head !== head) return fail('ledger_damaged', 'The ledger file is damaged: its end is missing.');
      for (const receipt of old.value.receipts) {
        const opened = await openReceipt(receipt, verify);
        if (!opened.ok) return refusalOfFile(opened.error);
      }
      return takeReceipts(old.value.receipts);
    }
    const { manifest, logs: filed, proofs } = parsed.value.file;
    if (idOfSigned(manifest) !== community.id)
      return fail('foreign_community', 'That ledger belongs to another community: switch to it first.');
    // Nothing is taken before all of it was verified.
    let total = 0;
    for (const { author, entries } of filed) {
      let head: ChainHead = EMPTY_HEAD;
      for (const bytes of entries) {
        const entry = await openLedgerEntry(bytes, verify);
        if (!entry.ok) return refusalOfFile(entry.error);
        const next = continues(head, { community: community.id, author }, entry.value);
        if (!next.ok) return refusalOfFile(next.error);
        head = next.value;
      }
      total += entries.length;
    }
    let added = 0;
    for (const proof of proofs) {
      const taken = await receiveProof(proof);
      if (!taken.ok) return taken;
    }
    for (const { author, entries } of filed) {
      const from = Math.min(logs.get(author)?.head.length ?? 0, entries.length);
      // One entry back, so that a log that parted from the one held here is noticed.
      const start = Math.max(0, from - 1);
      let taken = await inTurn(() => receiveNow(author, start, entries.slice(start)));
      if (!taken.ok && taken.error.code === 'log_forked') taken = await inTurn(() => receiveNow(author, 0, entries));
      if (!taken.ok && taken.error.code !== 'banned') return taken;
      added += taken.ok ? taken.value.added : 0;
    }
    return ok({ added, known: total - added });
  }

  /** Receipts out of the log that versions before 0.2 kept, once. */
  async function takeOldLogOver(): Promise<Result<void>> {
    const doneKey = 'ledger-old-log-taken';
    const done = await records.get<boolean>(doneKey);
    if (!done.ok) return done;
    if (done.value === true) return ok(undefined);
    const length = await storage.log.length();
    if (!length.ok) return length;
    const entries: Uint8Array[] = [];
    while (entries.length < length.value) {
      const batch = await storage.log.read(entries.length, READ_BATCH);
      if (!batch.ok) return batch;
      entries.push(...batch.value.map(({ bytes }) => bytes));
    }
    const old = await receiptsOfOldLog(entries, self, verify);
    if (!old.ok) return old;
    const taken = await takeReceipts(old.value.receipts);
    if (!taken.ok) return taken;
    return records.set(doneKey, true);
  }
  const takenOver = await takeOldLogOver();
  if (!takenOver.ok) return takenOver;
  // What was just read need not be read again.
  checkpointWhenDue();

  return ok({
    author: self,
    community,
    get head() {
      return own.head;
    },
    get state() {
      return stateBefore ?? fold.state;
    },
    changed,
    append,
    heads: () =>
      [...logs]
        .flatMap(([author, { head }]) => (head.id === null ? [] : [{ author, length: head.length, id: head.id }]))
        .sort((a, b) => (a.author < b.author ? -1 : 1)),
    bytesOf,
    async entriesOf(author, from, limit) {
      const read = await bytesOf(author, from, limit);
      if (!read.ok) return read;
      const entries: LedgerEntry[] = [];
      for (const bytes of read.value) {
        const entry = await openEntry(ledgerEventSchema, bytes, verifiedBefore);
        if (!entry.ok) return damaged(author, from + entries.length, entry.error.message);
        entries.push(entry.value);
      }
      return ok(entries);
    },
    async receiptOf(id) {
      const fact = fold.state.receiptsById.get(id);
      if (!fact) return ok(null);
      let payload: Uint8Array<ArrayBuffer> | null = null;
      const byKey = new Map<NodeId, Signature>();
      for (const { author, seq } of fact.carriers) {
        const read = await bytesOf(author, seq, 1);
        if (!read.ok) return read;
        const entry = read.value[0] ? await openEntry(ledgerEventSchema, read.value[0], verifiedBefore) : null;
        if (!entry?.ok || entry.value.event.kind !== 'receipt.recorded') continue;
        ({ payload } = entry.value.event.receipt);
        for (const one of entry.value.event.receipt.signatures) byKey.set(one.keyId, one);
      }
      const signatures = [...byKey.values()].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
      return ok(payload === null ? null : { payload, signatures });
    },
    receive: (author, from, entries) => inTurn(() => receiveNow(author, from, entries)),
    get proofs() {
      return [...proofByAuthor.values()];
    },
    receiveProof,
    async export() {
      const lacking = await missing();
      if (!lacking.ok) return lacking;
      if (lacking.value.length > 0)
        return fail(
          'not_all_here',
          'Older entries of this ledger are still on their way: export it when they are here.',
        );
      const filed: { author: NodeId; entries: readonly Uint8Array[] }[] = [];
      for (const [author, { head }] of logs) {
        if (head.id === null) continue;
        const entries = await allBytes(author);
        if (!entries.ok) return entries;
        filed.push({ author, entries: entries.value });
      }
      const { renderLedgerFile } = await import('./ledger-file');
      return ok(renderLedgerFile({ manifest: deps.manifest, logs: filed, proofs: [...proofByAuthor.values()] }));
    },
    import: importFile,
    async settled() {
      await Promise.allSettled([queue, intake]);
      await writes;
    },
    checkpoint() {
      // Nobody vouches for what it once took on the word of others.
      if ((beginnings?.start ?? null) !== null) return null;
      const heads: CheckpointHead[] = [];
      for (const [author, { head }] of logs) {
        // Of a forger's log others may hold the other history; what of it counts stands in the state.
        if (head.id === null || fold.state.bannedFrom.has(author)) continue;
        if (fold.lengthOf(author) !== head.length) return null;
        heads.push([author, head.id, head.length, head.lamport]);
      }
      return { heads, fold: fold.snapshot() };
    },
    get start() {
      return beginnings?.start ?? null;
    },
    begin: (certified) => inTurn(() => begin(certified)),
    heldFrom: (author) => (beginnings?.whole === false ? (beginnings.baseOf(author) ?? 0) : 0),
    missing,
    receiveBeginning: (author, from, entries) => inTurn(() => receiveBeginningNow(author, from, entries)),
  });
}
