import type { NodeId } from '../../base/ids';
import { createLeast } from '../../base/least';
import type { Failure, Result } from '../../base/result';
import { buildGraph, MAX_REFUSALS_TOLD, type EvidenceGraph } from './build-graph';
import type { GraphStatement } from './statement';

/**
 * The first statements of one author that count. Whoever has that many has said much; without a bound one log could fill the graph.
 * The first and not the last, so that what counted once goes on counting.
 */
export const MAX_STATEMENTS_PER_AUTHOR = 256;
/** What a graph holds in all: a full one, every claim about eight things, is put together in a third of a second on a laptop. */
export const MAX_STATEMENTS = 4_096;

/** Where a statement stands: its id is that of its entry. */
export interface StatedAt {
  readonly id: string;
  readonly author: NodeId;
  readonly seq: number;
  /** The author's clock. */
  readonly at: number;
}

/** A statement that may count. */
export interface Stated extends StatedAt {
  readonly statement: GraphStatement;
  /** How many statements of its author count before it. */
  readonly rank: number;
}

/** A statement that does not count, and the rule that it breaks. */
export interface GraphRefusal extends Omit<StatedAt, 'at'> {
  readonly rule: string;
  readonly sentence: string;
}

/** Rules that need to see more than one statement of a log. */
export const COLLECTING_RULES = {
  author_full: `A node said more than the ${MAX_STATEMENTS_PER_AUTHOR} statements of one author that count.`,
} as const;

/**
 * Statements out of the logs of a community, taken as they come: those of one author in the order of its log, authors in any order,
 * anything any number of times. The same logs give the same graph.
 *
 * A graph that is full keeps the first statement of everybody before the second of anybody, and of equals those with the lowest ids:
 * whoever says much makes room for whoever says little.
 */
export interface StatementSet {
  /** False for what was taken before: an entry at or before the last one of its author. */
  add(place: StatedAt, opened: Result<GraphStatement>): boolean;
  graph(): EvidenceGraph;
}

/** `most` is other than `MAX_STATEMENTS` only where it is tried out what a full graph does. */
export function createStatementSet(most = MAX_STATEMENTS): StatementSet {
  const authors = new Map<NodeId, { lastSeq: number; counted: number }>();
  const kept = createLeast<Stated>(most, byRank);
  const refused = createLeast<GraphRefusal>(MAX_REFUSALS_TOLD, byId);

  const refuse = ({ id, author, seq }: StatedAt, { code, message }: Failure): void =>
    refused.add({ id, author, seq, rule: code, sentence: message });

  return {
    add(place, opened) {
      const author = authors.get(place.author) ?? { lastSeq: -1, counted: 0 };
      if (place.seq <= author.lastSeq) return false;
      authors.set(place.author, author);
      author.lastSeq = place.seq;
      if (!opened.ok) refuse(place, opened.error);
      else if (author.counted === MAX_STATEMENTS_PER_AUTHOR)
        refuse(place, { code: 'author_full', message: COLLECTING_RULES.author_full });
      else {
        const { id, author: by, seq, at } = place;
        kept.add({ id, author: by, seq, at, statement: opened.value, rank: author.counted });
        author.counted += 1;
      }
      return true;
    },
    graph: () =>
      buildGraph(kept.items(), {
        leftOut: kept.leftOut(),
        refusals: refused.items(),
        refusalCount: refused.items().length + refused.leftOut(),
        sizeByAuthor: new Map([...authors].map(([author, { counted }]) => [author, counted])),
      }),
  };
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
const byRank = (a: Stated, b: Stated): number => a.rank - b.rank || byId(a, b);
