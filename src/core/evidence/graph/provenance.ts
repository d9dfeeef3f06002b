import { fail, ok, type Result } from '../../base/result';
import type { EvidenceGraph, GraphEdge, GraphNode } from './build-graph';

/** Steps away from what was asked about: deeper chains are asked about from their end. */
export const MAX_DEPTH = 8;
/** What is told in each direction: more than that nobody reads, and no drawing holds it. */
export const MAX_EACH_WAY = 32;
/** Evidence of those who attest or dispute that stands nowhere else in the answer. */
export const MAX_GROUNDS = 16;

export interface ProvenanceNode {
  readonly node: GraphNode;
  /** 0 is what was asked about; above it what that rests on, so many steps away; below it what rests on that. */
  readonly level: number;
}

/** Where something comes from and what was made of it: who said what. */
export interface Provenance {
  readonly root: string;
  readonly depth: number;
  /** By level, then in the order in which they were reached. */
  readonly nodes: readonly ProvenanceNode[];
  /** Every edge between these, by where it begins. */
  readonly edges: readonly GraphEdge[];
  /** Whether the graph goes on beyond what is told: in what it rests on, and in what rests on it. */
  readonly more: { readonly restsOn: boolean; readonly restingOn: boolean };
}

/**
 * Everything that `id` rests on and everything that rests on it, up to `depth` steps each way, nearest first; and on which evidence
 * those attest and dispute that are told. Each node stands in it once, whatever circles the edges run in. Disputes come before
 * attestations, so that no number of these hides one of those. Codes: `bad_depth`, `unknown_id`.
 */
export function provenanceOf(graph: EvidenceGraph, id: string, depth: number): Result<Provenance> {
  if (!Number.isInteger(depth) || depth < 1 || depth > MAX_DEPTH)
    return fail('bad_depth', `Provenance is followed over 1 to ${MAX_DEPTH} steps.`);
  const root = graph.nodeOf(id);
  if (root === null) return fail('unknown_id', 'Nothing in the graph has that id.');
  const found = new Map<string, ProvenanceNode>([[id, { node: root, level: 0 }]]);

  function follow(direction: 1 | -1): readonly string[] {
    const reached: string[] = [];
    let edge = [id];
    for (let step = 1; step <= depth && edge.length > 0; step++) {
      const next: string[] = [];
      for (const here of edge) {
        for (const there of neighbours(graph, here, direction)) {
          if (found.has(there)) continue;
          if (reached.length === MAX_EACH_WAY) return reached;
          found.set(there, { node: graph.nodeOf(there)!, level: direction * step });
          reached.push(there);
          next.push(there);
        }
      }
      edge = next;
    }
    return reached;
  }

  const below = follow(1);
  const above = follow(-1);
  let grounds = 0;
  for (const one of [id, ...above]) {
    const { node, level } = found.get(one)!;
    if (node.kind !== 'attestation' && node.kind !== 'dispute') continue;
    for (const there of neighbours(graph, one, 1)) {
      if (found.has(there) || grounds === MAX_GROUNDS) continue;
      found.set(there, { node: graph.nodeOf(there)!, level: level + 1 });
      grounds += 1;
    }
  }

  const isTold = (other: string): boolean => found.has(other);
  const stances = above.filter((one) => ['attestation', 'dispute'].includes(found.get(one)!.node.kind));
  return ok({
    root: id,
    depth,
    nodes: [...found.values()]
      .map((one, at) => ({ one, at }))
      .sort(byLevel)
      .map(({ one }) => one),
    edges: [...found.keys()].sort().flatMap((from) => graph.from(from).filter(({ to }) => isTold(to))),
    more: {
      restsOn: [id, ...below].some((one) => !neighbours(graph, one, 1).every(isTold)),
      restingOn:
        [id, ...above].some((one) => !neighbours(graph, one, -1).every(isTold)) ||
        stances.some((one) => !neighbours(graph, one, 1).every(isTold)),
    },
  });
}

const neighbours = (graph: EvidenceGraph, id: string, direction: 1 | -1): readonly string[] =>
  direction === 1 ? graph.from(id).map(({ to }) => to) : graph.to(id).map(({ from }) => from);

const byLevel = (
  a: { readonly one: ProvenanceNode; readonly at: number },
  b: { readonly one: ProvenanceNode; readonly at: number },
): number => a.one.level - b.one.level || a.at - b.at;
