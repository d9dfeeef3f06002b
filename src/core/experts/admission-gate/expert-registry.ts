import type { NodeId } from '../../base/ids';
import type { OpenedExpertCard } from '../expert-card';

/** An expert as one node offers it: what its signed card says, or only what it announced. */
export interface Holding {
  readonly expert: string;
  readonly modelHash: string;
  /** Runtime and backend. */
  readonly engine: string;
  /** Null: the node showed no card that opens. */
  readonly card: OpenedExpertCard | null;
}

export interface Replica {
  readonly node: NodeId;
  readonly engine: string;
  readonly card: OpenedExpertCard | null;
}

/** Equal weights are one version, whatever they are called. */
export interface ExpertVersion {
  readonly modelHash: string;
  /** What most cards call it; the first eight digits of the hash where there is no card. */
  readonly version: string;
  /** Ascending by node. */
  readonly replicas: readonly Replica[];
}

export interface Expert {
  readonly expert: string;
  /** What its cards say it does, in the order of the alphabet. */
  readonly tasks: readonly string[];
  /** Newest first. */
  readonly versions: readonly ExpertVersion[];
}

/** A card as a holding; the node that shows it must be the one that signed it. */
export const holdingOf = (card: OpenedExpertCard): Holding => ({
  expert: card.expert,
  modelHash: card.modelHash,
  engine: card.engine,
  card,
});

/**
 * Who holds which version of which expert. A card that another node signed is no holding of the node that shows it, and is left out.
 * Of several holdings of one node with equal weights the one with the newest card counts. Experts come in the order of the alphabet.
 */
export function expertsOf(holdingsByNode: ReadonlyMap<NodeId, readonly Holding[]>): readonly Expert[] {
  const byExpert = new Map<string, Map<string, Map<NodeId, Replica>>>();
  for (const [node, holdings] of holdingsByNode) {
    for (const { expert, modelHash, engine, card } of holdings) {
      if (card !== null && card.author !== node) continue;
      const byHash = byExpert.get(expert) ?? new Map<string, Map<NodeId, Replica>>();
      byExpert.set(expert, byHash);
      const byNode = byHash.get(modelHash) ?? new Map<NodeId, Replica>();
      byHash.set(modelHash, byNode);
      if ((byNode.get(node)?.card?.at ?? -1) <= (card?.at ?? -1)) byNode.set(node, { node, engine, card });
    }
  }
  return [...byExpert]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([expert, byHash]) => {
      const versions = [...byHash].map(([modelHash, byNode]): ExpertVersion => {
        const replicas = [...byNode.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
        return { modelHash, version: nameOf(replicas) ?? modelHash.slice(0, 8), replicas };
      });
      const cards = versions.flatMap(({ replicas }) => replicas.flatMap(({ card }) => (card === null ? [] : [card])));
      return {
        expert,
        tasks: [...new Set<string>(cards.flatMap(({ tasks }) => tasks))].sort(),
        versions: versions.sort(newestFirst),
      };
    });
}

/** What most cards call the version; of equally common names the first of the alphabet. */
function nameOf(replicas: readonly Replica[]): string | null {
  const counts = new Map<string, number>();
  for (const { card } of replicas) if (card !== null) counts.set(card.version, (counts.get(card.version) ?? 0) + 1);
  const [first] = [...counts].sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1));
  return first?.[0] ?? null;
}

/** By the numbers in the names, so that 10 comes after 9; then by name, then by hash. */
export function compareVersions(
  a: Pick<ExpertVersion, 'version' | 'modelHash'>,
  b: Pick<ExpertVersion, 'version' | 'modelHash'>,
): number {
  const [left, right] = [numbersOf(a.version), numbersOf(b.version)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  const [first, second] = [`${a.version} ${a.modelHash}`, `${b.version} ${b.modelHash}`];
  return first < second ? -1 : first > second ? 1 : 0;
}

const newestFirst = (a: ExpertVersion, b: ExpertVersion): number => compareVersions(b, a);
const numbersOf = (version: string): number[] => (/^\d+(\.\d+)*$/.test(version) ? version.split('.').map(Number) : []);
