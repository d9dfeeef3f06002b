import type { NodeId } from '../base/ids';
import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { openManifest, type Community } from '../identity/community';
import { continues, EMPTY_HEAD, openEquivocation, type ChainHead, type EntryRef } from './chain';
import { createLedgerFold, type LedgerFold } from './fold';
import { parseLedgerFile, refusalOfFile, type LedgerFile } from './ledger-file';
import type { Balance, LedgerState, Refusal } from './ledger-state';
import { receiptsOfOldLog } from './old-log';
import { openLedgerEntry, type OpenedEntry } from './open-event';
import { createReceiptFacts } from './receipt-facts';
import { openReceipt } from './receipts';

/** One log of a file: how many entries stand there, and how many of them count. */
export interface ReplayedLog {
  readonly author: NodeId;
  readonly entries: number;
  /** Fewer where its author forged, or where it waits for an entry that the file does not hold. */
  readonly counted: number;
  /** The entry that it waits for. */
  readonly waitsFor: EntryRef | null;
}

/** What a ledger file comes to for whoever trusts nothing in it. */
export interface LedgerReplay {
  /** Of the file's format: 1 is one node's receipts, without credit. */
  readonly version: 1 | 2;
  readonly community: { readonly id: string; readonly name: string; readonly founder: NodeId } | null;
  /** Ascending by author. */
  readonly logs: readonly ReplayedLog[];
  /** Everyone who has, owes or could spend anything, ascending. */
  readonly accounts: readonly ({ readonly account: NodeId } & Balance)[];
  /** Everything that was minted and counts. */
  readonly supplyMicros: number;
  /** Whether all balances together are exactly what was minted: no credit without an event. */
  readonly balanced: boolean;
  /** Accepted work by node, in units, which are no credit; ascending by node. */
  readonly units: readonly { readonly node: NodeId; readonly units: number }[];
  /** Events that broke a rule and changed nothing, ascending by entry. */
  readonly refusals: readonly Refusal[];
  /** Who signed two things at one place, and where first. */
  readonly forgers: readonly { readonly author: NodeId; readonly seq: number }[];
  /** `digest` of the state; null for version 1. */
  readonly digest: string | null;
}

/** The logs of a file, verified and folded. */
export interface ReplayedLogs {
  readonly community: Community;
  readonly fold: LedgerFold;
  /** Every entry of the file, ascending by author, in sequence: also those that do not count. */
  readonly entries: readonly OpenedEntry[];
  readonly logs: readonly ReplayedLog[];
}

/**
 * Replays an exported ledger from nothing: every signature, every chain, every rule. The same file gives the same answer on every
 * node. Codes: `not_a_ledger`, `unknown_version`, `ledger_damaged` (the message says whose entry and what), the others of
 * `parseLedgerFile`, those of `openManifest`.
 */
export async function replayLedgerFile(text: string, verify: Verify): Promise<Result<LedgerReplay>> {
  const parsed = parseLedgerFile(text);
  if (!parsed.ok) return parsed;
  if (parsed.value.v === 1) return replayOldLog(parsed.value, verify);
  const replayed = await replayLogs(parsed.value.file, verify);
  return replayed.ok ? ok(reportOf(replayed.value)) : replayed;
}

/** The same, with what it was made of. */
export async function replayLogs(file: LedgerFile, verify: Verify): Promise<Result<ReplayedLogs>> {
  const community = await openManifest(file.manifest, verify);
  if (!community.ok) return community;
  const fold = createLedgerFold(community.value);
  const byAuthor = new Map<NodeId, readonly OpenedEntry[]>();
  for (const { author, entries } of [...file.logs].sort((a, b) => (a.author < b.author ? -1 : 1))) {
    const opened = await openLog(community.value.id, author, entries, verify);
    if (!opened.ok) return opened;
    byAuthor.set(author, opened.value);
  }
  for (const proof of file.proofs) {
    const forged = await openEquivocation(proof, verify);
    if (!forged.ok) return refusalOfFile(forged.error, 'a proof of a forgery: ');
    if (forged.value.community === community.value.id) fold.ban(forged.value.author, forged.value.seq);
  }
  const waiting = takeAll(fold, byAuthor);
  const logs = [...byAuthor].map(([author, entries]): ReplayedLog => ({
    author,
    entries: entries.length,
    counted: fold.lengthOf(author),
    waitsFor: waiting.get(author) ?? null,
  }));
  return ok({ community: community.value, fold, entries: [...byAuthor.values()].flat(), logs });
}

const damaged = (what: string) => fail('ledger_damaged', `The ledger file is damaged: ${what}`);

async function openLog(
  community: string,
  author: NodeId,
  entries: readonly Uint8Array[],
  verify: Verify,
): Promise<Result<readonly OpenedEntry[]>> {
  const opened: OpenedEntry[] = [];
  let head: ChainHead = EMPTY_HEAD;
  for (const [at, bytes] of entries.entries()) {
    const entry = await openLedgerEntry(bytes, verify);
    if (!entry.ok) return refusalOfFile(entry.error, `entry ${at} of ${author}: `);
    const next = continues(head, { community, author }, entry.value);
    if (!next.ok) return damaged(`entry ${at} of ${author}: ${next.error.message}`);
    head = next.value;
    opened.push(entry.value);
  }
  return ok(opened);
}

/** Lets the fold take what it can of every log, whatever waits for what. Returns what could not go on, and for which entry it waits. */
function takeAll(
  fold: LedgerFold,
  byAuthor: ReadonlyMap<NodeId, readonly OpenedEntry[]>,
): ReadonlyMap<NodeId, EntryRef> {
  const waiting = new Map<NodeId, EntryRef>();
  const turn = [...byAuthor.keys()];
  for (let author = turn.pop(); author !== undefined; author = turn.pop()) {
    const entries = byAuthor.get(author)!;
    waiting.delete(author);
    for (let entry = entries[fold.lengthOf(author)]; entry !== undefined; entry = entries[fold.lengthOf(author)]) {
      const { id } = entry;
      const added = fold.add(entry);
      if (added.status === 'waiting') waiting.set(author, added.missing);
      if (added.status !== 'added') break;
      for (const [other, ref] of waiting) if (ref.id === id) turn.push(other);
    }
  }
  return waiting;
}

/** What a replay comes to, in the form in which it is told. */
export function reportOf({ community, fold, logs }: ReplayedLogs): LedgerReplay {
  const { state } = fold;
  const accounts = state.accountHolders.map((account) => ({ account, ...state.balanceOf(account) }));
  const sum = accounts.reduce((total, { confirmedMicros }) => total + confirmedMicros, 0);
  return {
    version: 2,
    community: { id: community.id, name: community.name, founder: community.founder },
    logs,
    accounts,
    supplyMicros: state.supplyMicros,
    balanced: sum === state.supplyMicros,
    units: unitsOf(state),
    refusals: [...state.refusals].sort((a, b) => (a.entry < b.entry ? -1 : 1)),
    forgers: [...state.bannedFrom]
      .map(([author, seq]) => ({ author, seq }))
      .sort((a, b) => (a.author < b.author ? -1 : 1)),
    digest: state.digest(),
  };
}

const unitsOf = ({ unitsByNode }: Pick<LedgerState, 'unitsByNode'>): LedgerReplay['units'] =>
  [...unitsByNode].map(([node, units]) => ({ node, units })).sort((a, b) => (a.node < b.node ? -1 : 1));

/** A file of versions before 0.2: receipts and the units behind them, and no credit, which there was not. */
async function replayOldLog(
  {
    author,
    head,
    entries,
  }: { readonly author: NodeId; readonly head: string | null; readonly entries: readonly Uint8Array[] },
  verify: Verify,
): Promise<Result<LedgerReplay>> {
  const old = await receiptsOfOldLog(entries, author, verify);
  if (!old.ok) return old;
  if (old.value.head !== head) return damaged('its end is missing.');
  const facts = createReceiptFacts();
  for (const [seq, signed] of old.value.receipts.entries()) {
    const opened = await openReceipt(signed, verify);
    if (!opened.ok) return refusalOfFile(opened.error);
    facts.add(opened.value.id, opened.value.receipt, opened.value.signers, { author, seq });
  }
  return ok({
    version: 1,
    community: null,
    logs: [{ author, entries: entries.length, counted: entries.length, waitsFor: null }],
    accounts: [],
    supplyMicros: 0,
    balanced: true,
    units: unitsOf(facts),
    refusals: [],
    forgers: [],
    digest: null,
  });
}
