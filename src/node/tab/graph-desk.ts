import type { Clock } from '#core/base/ports';
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
import type { Ledger } from '#core/ledger/ledger';
import { createTurns } from '../economy/timers';
import type { GraphDesk, GraphView } from './graph-views';
import { createMarkedReading } from './marked-reading';

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
  /** One reading after the other. */
  const inOrder = createTurns();

  const view = (): GraphView => ({
    claims: graph.claims,
    counts: graph.counts,
    refusals: graph.refusals,
    ownLogOnly: community.economy === undefined,
    statementsLeft: MAX_STATEMENTS_PER_AUTHOR - graph.sizeOf(self),
  });

  const reading = createMarkedReading({
    ledger,
    clock,
    kinds: ['graph.stated'],
    startAnew: () => (set = createStatementSet()),
    take: ({ id, author, seq, at, event }) =>
      event.kind === 'graph.stated' && set.add({ id, author, seq, at }, openStatement(event.statement)),
  });

  async function readNow(): Promise<Result<GraphView>> {
    const changed = await reading.readOn();
    if (!changed.ok) return changed;
    if (changed.value) graph = set.graph();
    return ok(view());
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
