import { utf8 } from '#core/base/bytes';
import type { NodeId } from '#core/base/ids';
import type { Clock, Verify } from '#core/base/ports';
import { err, fail, ok, type Result } from '#core/base/result';
import { objectionTo } from '#core/evidence/graph/build-graph';
import {
  COLLECTING_RULES,
  createStatementSet,
  MAX_STATEMENTS_PER_AUTHOR,
  type StatementSet,
} from '#core/evidence/graph/collect-statements';
import { provenanceOf } from '#core/evidence/graph/provenance';
import { encodeStatement, openStatement, tidyText, type GraphStatement } from '#core/evidence/graph/statement';
import { openEntry } from '#core/ledger/chain';
import { ledgerEventSchema } from '#core/ledger/events';
import type { Ledger } from '#core/ledger/ledger';
import type { GraphDesk, GraphView } from './graph-views';
import { createPace } from './replay-held';

/** Entries read from the store at a time. */
const READ_BATCH = 128;
/** Receipts to choose from: more than this nobody looks through. */
const MOST_RECEIPTS = 40;

export interface GraphDeskDeps {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
}

export function createGraphDesk({ ledger, clock }: GraphDeskDeps): GraphDesk {
  const { author: self, community } = ledger;
  let set: StatementSet = createStatementSet();
  let graph = set.graph();
  /** How far each log was read. */
  const readTo = new Map<NodeId, number>();
  let bans = '';
  /** One reading after the other. */
  let queue: Promise<unknown> = Promise.resolve();

  const view = (): GraphView => ({
    claims: graph.claims,
    counts: graph.counts,
    refusals: graph.refusals,
    ownLogOnly: community.economy === undefined,
    statementsLeft: MAX_STATEMENTS_PER_AUTHOR - graph.sizeOf(self),
  });

  async function readOn(author: NodeId, length: number, pace: () => Promise<void>): Promise<Result<boolean>> {
    const end = Math.min(length, ledger.state.bannedFrom.get(author) ?? length);
    let any = false;
    for (let from = readTo.get(author) ?? 0; from < end;) {
      const read = await ledger.bytesOf(author, from, Math.min(READ_BATCH, end - from));
      if (!read.ok) return read;
      // What comes before the checkpoint that this ledger began with may still be on its way.
      if (read.value.length === 0 && from < ledger.heldFrom(author)) return ok(any);
      if (read.value.length === 0)
        return fail('ledger_damaged', `Entry ${from} of that log is not on this device any more.`);
      for (const bytes of read.value) {
        await pace();
        if (holds(bytes, MARK)) {
          // Signature and chain were verified before it was stored.
          const entry = await openEntry(ledgerEventSchema, bytes, trusting);
          if (!entry.ok) return fail('ledger_damaged', `Entry ${from} of that log is damaged: ${entry.error.message}`);
          const { id, seq, at, event } = entry.value;
          if (event.kind === 'graph.stated')
            any = set.add({ id, author, seq, at }, openStatement(event.statement)) || any;
        }
        from += 1;
      }
      readTo.set(author, from);
    }
    return ok(any);
  }

  async function readNow(): Promise<Result<GraphView>> {
    const pace = createPace(clock);
    const nowBanned = JSON.stringify([...ledger.state.bannedFrom].sort());
    let changed = nowBanned !== bans;
    if (changed) {
      // What forgers said counted before it was known that they are: everything anew, without it.
      set = createStatementSet();
      readTo.clear();
      bans = nowBanned;
    }
    for (const { author, length } of ledger.heads()) {
      const read = await readOn(author, length, pace);
      if (!read.ok) return read;
      changed ||= read.value;
    }
    if (changed) graph = set.graph();
    return ok(view());
  }

  function inOrder<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
    const next = queue.then(work);
    queue = next.catch(() => undefined);
    return next;
  }

  /** Into the own log, when it would count: nothing is ever written that everybody would refuse. */
  const say = (statement: GraphStatement): Promise<Result<string>> =>
    inOrder(async () => {
      const bytes = encodeStatement(statement);
      if (!bytes.ok) return bytes;
      const current = await readNow();
      if (!current.ok) return current;
      if (graph.sizeOf(self) >= MAX_STATEMENTS_PER_AUTHOR) return fail('author_full', COLLECTING_RULES.author_full);
      const ordered = openStatement(bytes.value);
      const objection = ordered.ok ? objectionTo(graph, self, ordered.value) : ordered.error;
      if (objection !== null) return err(objection);
      const written = await ledger.append({ kind: 'graph.stated', statement: bytes.value });
      if (!written.ok) return written;
      const read = await readNow();
      return read.ok ? ok(written.value.id) : read;
    });

  return {
    get view() {
      return view();
    },
    read: () => inOrder(readNow),
    claim: (text, about) => say({ type: 'graph-claim', v: 1, text: tidyText(text), about: [...about] }),
    attest: (claim, evidence) => say({ type: 'graph-attestation', v: 1, claim, evidence: [...evidence] }),
    dispute: (claim, reason, evidence) =>
      say({ type: 'graph-dispute', v: 1, claim, reason: tidyText(reason), evidence: [...evidence] }),
    provenance: (id, depth) => provenanceOf(graph, id, depth),
    known(id) {
      const { receiptsById, reservationsById, proposalsById } = ledger.state;
      const receipt = receiptsById.get(id);
      if (receipt !== undefined) {
        const { capability, verdict, executor, at } = receipt;
        return { kind: 'receipt', capability, verdict, executor, at };
      }
      const reservation = reservationsById.get(id);
      if (reservation !== undefined) return { kind: 'reservation', payer: reservation.payer, payee: reservation.payee };
      return { kind: proposalsById.has(id) ? 'proposal' : 'unknown' };
    },
    receipts: () =>
      [...ledger.state.receiptsById.values()]
        .reverse()
        .slice(0, MOST_RECEIPTS)
        .map(({ id, capability, verdict, executor, at }) => ({ id, capability, verdict, executor, at })),
    async bundleId(file) {
      const { bundleIdOf } = await import('#core/evidence/graph/bundle-id');
      return bundleIdOf(file);
    },
  };
}

const trusting: Verify = async () => true;

/** The kind of the event, as it stands in the bytes of every entry that holds a statement. Others are never decoded. */
const MARK = utf8('graph.stated');

function holds(bytes: Uint8Array, mark: Uint8Array): boolean {
  const first = mark[0]!;
  for (let at = bytes.indexOf(first); at !== -1 && at <= bytes.length - mark.length; at = bytes.indexOf(first, at + 1))
    if (mark.every((one, offset) => bytes[at + offset] === one)) return true;
  return false;
}
