import { hex } from '../../base/bytes';
import { encodeCanonical, sha256 } from '../../base/canonical';
import type { NodeId } from '../../base/ids';
import type { Failure, Result } from '../../base/result';
import { keepsAll, type Rule } from '../../ledger/rules/rule';
import type { GraphRefusal, Stated } from './collect-statements';
import { namedBy, type ClaimStatement, type GraphStatement, type StanceStatement } from './statement';

/** Refusals that are told one by one; all are counted. */
export const MAX_REFUSALS_TOLD = 100;

type StatedAs<Statement extends GraphStatement> = Stated & { readonly statement: Statement };

/** Something that has a content id: a statement of the graph, or evidence of which the graph knows nothing else. */
export type GraphNode =
  | (Omit<Stated, 'statement' | 'rank'> & { readonly kind: 'claim'; readonly text: string })
  | (Omit<Stated, 'statement' | 'rank'> & { readonly kind: 'attestation'; readonly claim: string })
  | (Omit<Stated, 'statement' | 'rank'> & { readonly kind: 'dispute'; readonly claim: string; readonly reason: string })
  | { readonly kind: 'evidence'; readonly id: string };

/**
 * `disputes` and `supports` lead from a dispute or an attestation to its claim, `about` from a claim to a subject, `cites` from a
 * dispute or an attestation to its evidence. What an edge leads to, its beginning rests on.
 */
export const RELATIONS = ['disputes', 'supports', 'about', 'cites'] as const;

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly relation: (typeof RELATIONS)[number];
}

/** One author's word on a claim that is in force. */
export interface Stance {
  readonly id: string;
  readonly by: NodeId;
  /** The author's clock. */
  readonly at: number;
  /** Null for an attestation. */
  readonly reason: string | null;
  readonly evidence: readonly string[];
}

/**
 * How a claim stands: who said what of it, and never how true it is. `disputed` where anybody disputes it, however many attest it.
 */
export interface Standing {
  readonly word: 'undisputed' | 'attested' | 'disputed';
  /** Ascending by author, each once. */
  readonly attestations: readonly Stance[];
  readonly disputes: readonly Stance[];
}

export interface GraphClaim {
  readonly id: string;
  readonly author: NodeId;
  readonly seq: number;
  readonly at: number;
  readonly text: string;
  readonly about: readonly string[];
  readonly standing: Standing;
}

export interface GraphCounts {
  readonly claims: number;
  readonly attestations: number;
  readonly disputes: number;
  /** Words on a claim that their author replaced by a later one. */
  readonly replaced: number;
  readonly refused: number;
  /** Statements for which the graph had no room. */
  readonly leftOut: number;
  readonly edges: number;
}

/** What all statements together come to. */
export interface EvidenceGraph {
  /** Ascending by id. */
  readonly claims: readonly GraphClaim[];
  readonly claimsById: ReadonlyMap<string, GraphClaim>;
  readonly counts: GraphCounts;
  /** Ascending by id, as many as are told. */
  readonly refusals: readonly GraphRefusal[];
  nodeOf(id: string): GraphNode | null;
  /** Edges that lead away from `id`, by relation in the order of `RELATIONS`, then by where they lead. */
  from(id: string): readonly GraphEdge[];
  /** Edges that lead to `id`, in the same order. */
  to(id: string): readonly GraphEdge[];
  /** How many statements of an author were taken: at `MAX_STATEMENTS_PER_AUTHOR` no further one counts. */
  sizeOf(author: NodeId): number;
  /** SHA-256 (hex) over everything that it says: the same logs, the same digest. */
  digest(): string;
}

/** What a word on a claim is held to. */
export interface StanceContext {
  readonly author: NodeId;
  readonly statement: StanceStatement;
  /** Whether the id that it names is an attestation or a dispute. */
  readonly isStance: boolean;
  /** The claim that it names; null where the graph has none with that id. */
  readonly claim: { readonly author: NodeId } | null;
}

export const STANCE_RULES: readonly Rule<StanceContext>[] = [
  {
    name: 'not_a_claim',
    sentence: 'Only claims are attested or disputed, no attestations and no disputes.',
    holds: ({ isStance }) => !isStance,
  },
  {
    name: 'claim_unknown',
    sentence: 'The claim is not among those that are known here.',
    holds: ({ claim }) => claim !== null,
  },
  {
    name: 'own_claim',
    sentence: 'Nobody attests or disputes a claim of their own.',
    holds: ({ author, claim }) => claim?.author !== author,
  },
];

export interface ClaimContext {
  readonly statement: ClaimStatement;
  /** What its author claimed before it. */
  readonly before: ReadonlySet<string>;
}

export const CLAIM_RULES: readonly Rule<ClaimContext>[] = [
  {
    name: 'claimed_twice',
    sentence: 'A node makes the same claim twice.',
    holds: ({ statement, before }) => !before.has(meaningOf(statement)),
  },
];

/** Two claims of one author with the same meaning are one. */
export const meaningOf = ({ text, about }: { readonly text: string; readonly about: readonly string[] }): string =>
  `${about.join(' ')} ${text}`;

export interface CollectedWith {
  readonly leftOut: number;
  readonly refusals: readonly GraphRefusal[];
  readonly refusalCount: number;
  readonly sizeByAuthor: ReadonlyMap<NodeId, number>;
}

/**
 * The graph of these statements: a function of their set. Of one author's words on one claim the last in its log counts, and of its
 * equal claims the first: a log has one order, which nobody can tell otherwise to somebody else without proving itself a forger.
 */
export function buildGraph(statements: readonly Stated[], collected: CollectedWith): EvidenceGraph {
  const ordered = [...statements].sort((a, b) =>
    a.author === b.author ? a.seq - b.seq : a.author < b.author ? -1 : 1,
  );
  const stanceIds = new Set(ordered.filter(isStance).map(({ id }) => id));
  const refusals: GraphRefusal[] = [];
  const claims = new Map<string, StatedAs<ClaimStatement>>();
  const meanings = new Map<NodeId, Set<string>>();
  for (const stated of ordered) {
    if (!isClaim(stated)) continue;
    const before = meanings.get(stated.author) ?? new Set();
    const kept = keepsAll(CLAIM_RULES, { statement: stated.statement, before });
    if (!kept.ok) {
      refusals.push(refusalOf(stated, kept.error));
      continue;
    }
    meanings.set(stated.author, before.add(meaningOf(stated.statement)));
    claims.set(stated.id, stated);
  }

  /** By claim, then by author: what comes later in a log replaces what came before. */
  const stances = new Map<string, Map<NodeId, StatedAs<StanceStatement>>>();
  let replaced = 0;
  for (const stated of ordered) {
    if (!isStance(stated)) continue;
    const { author, statement } = stated;
    const claim = claims.get(statement.claim) ?? null;
    const kept = keepsAll(STANCE_RULES, {
      author,
      statement,
      isStance: stanceIds.has(statement.claim),
      claim,
    });
    if (!kept.ok) {
      refusals.push(refusalOf(stated, kept.error));
      continue;
    }
    const byAuthor = stances.get(statement.claim) ?? new Map<NodeId, StatedAs<StanceStatement>>();
    if (byAuthor.has(author)) replaced += 1;
    // Taken out first, so that the map's order is no trace of what was replaced.
    byAuthor.delete(author);
    stances.set(statement.claim, byAuthor.set(author, stated));
  }
  const inForce = [...stances.values()].flatMap((byAuthor) => [...byAuthor.values()]);

  const nodes = new Map<string, GraphNode>();
  const outOf = new Map<string, GraphEdge[]>();
  const into = new Map<string, GraphEdge[]>();
  let edges = 0;
  for (const stated of [...claims.values(), ...inForce]) nodes.set(stated.id, nodeFor(stated));
  for (const stated of [...claims.values(), ...inForce]) {
    for (const edge of edgesOf(stated)) {
      if (!nodes.has(edge.to)) nodes.set(edge.to, { kind: 'evidence', id: edge.to });
      addTo(outOf, edge.from, edge);
      addTo(into, edge.to, edge);
      edges += 1;
    }
  }
  for (const list of outOf.values()) list.sort(byRelationThen('to'));
  for (const list of into.values()) list.sort(byRelationThen('from'));

  const listed = [...claims.values()]
    .map((stated): GraphClaim => ({
      id: stated.id,
      author: stated.author,
      seq: stated.seq,
      at: stated.at,
      text: stated.statement.text,
      about: stated.statement.about,
      standing: standingOf([...(stances.get(stated.id)?.values() ?? [])]),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const allRefusals = [...collected.refusals, ...refusals].sort((a, b) => (a.id < b.id ? -1 : 1));

  const graph: EvidenceGraph = {
    claims: listed,
    claimsById: new Map(listed.map((claim) => [claim.id, claim])),
    counts: {
      claims: listed.length,
      attestations: inForce.filter(({ statement }) => statement.type === 'graph-attestation').length,
      disputes: inForce.filter(({ statement }) => statement.type === 'graph-dispute').length,
      replaced,
      refused: collected.refusalCount + refusals.length,
      leftOut: collected.leftOut,
      edges,
    },
    refusals: allRefusals.slice(0, MAX_REFUSALS_TOLD),
    nodeOf: (id) => nodes.get(id) ?? null,
    from: (id) => outOf.get(id) ?? [],
    to: (id) => into.get(id) ?? [],
    sizeOf: (author) => collected.sizeByAuthor.get(author) ?? 0,
    digest: () =>
      hex(sha256(encodeCanonical({ claims: graph.claims, counts: graph.counts, refusals: graph.refusals }))),
  };
  return graph;
}

/**
 * What everybody would have against a further statement of this author, by the rules that look at the whole graph; null where it
 * would count. Its own rules (`STATEMENT_RULES`) and the bound on an author are looked at where it is written.
 */
export function objectionTo(graph: EvidenceGraph, author: NodeId, statement: GraphStatement): Failure | null {
  if (statement.type === 'graph-claim') {
    const own = graph.claims.filter((claim) => claim.author === author);
    const before = new Set(own.map(({ text, about }) => meaningOf({ text, about })));
    return errorOf(keepsAll(CLAIM_RULES, { statement, before }));
  }
  const named = graph.nodeOf(statement.claim);
  const isStance = named?.kind === 'attestation' || named?.kind === 'dispute';
  const claim = graph.claimsById.get(statement.claim) ?? null;
  return errorOf(keepsAll(STANCE_RULES, { author, statement, isStance, claim }));
}

const errorOf = (kept: Result<void>): Failure | null => (kept.ok ? null : kept.error);

const isClaim = (stated: Stated): stated is StatedAs<ClaimStatement> => stated.statement.type === 'graph-claim';
const isStance = (stated: Stated): stated is StatedAs<StanceStatement> => !isClaim(stated);

const refusalOf = (
  { id, author, seq }: Stated,
  { code, message }: { readonly code: string; readonly message: string },
): GraphRefusal => ({ id, author, seq, rule: code, sentence: message });

function nodeFor({ id, author, seq, at, statement }: Stated): GraphNode {
  const place = { id, author, seq, at };
  switch (statement.type) {
    case 'graph-claim':
      return { ...place, kind: 'claim', text: statement.text };
    case 'graph-attestation':
      return { ...place, kind: 'attestation', claim: statement.claim };
    case 'graph-dispute':
      return { ...place, kind: 'dispute', claim: statement.claim, reason: statement.reason };
  }
}

function* edgesOf({ id, statement }: Stated): Iterable<GraphEdge> {
  if (statement.type !== 'graph-claim')
    yield { from: id, to: statement.claim, relation: statement.type === 'graph-dispute' ? 'disputes' : 'supports' };
  const relation = statement.type === 'graph-claim' ? 'about' : 'cites';
  for (const to of namedBy(statement)) yield { from: id, to, relation };
}

function standingOf(stances: readonly StatedAs<StanceStatement>[]): Standing {
  const ascending = [...stances].sort((a, b) => (a.author < b.author ? -1 : 1));
  const of = (type: StanceStatement['type']): Stance[] =>
    ascending
      .filter(({ statement }) => statement.type === type)
      .map(({ id, author, at, statement }) => ({
        id,
        by: author,
        at,
        reason: statement.type === 'graph-dispute' ? statement.reason : null,
        evidence: statement.evidence,
      }));
  const [attestations, disputes] = [of('graph-attestation'), of('graph-dispute')];
  const word = disputes.length > 0 ? 'disputed' : attestations.length > 0 ? 'attested' : 'undisputed';
  return { word, attestations, disputes };
}

function addTo(lists: Map<string, GraphEdge[]>, id: string, edge: GraphEdge): void {
  const list = lists.get(id);
  if (list === undefined) lists.set(id, [edge]);
  else list.push(edge);
}

const byRelationThen =
  (end: 'from' | 'to') =>
  (a: GraphEdge, b: GraphEdge): number =>
    RELATIONS.indexOf(a.relation) - RELATIONS.indexOf(b.relation) || (a[end] < b[end] ? -1 : 1);
