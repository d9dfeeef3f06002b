/** Where a node stands on the map: the middle is here, distance is how near it answers. Units: 0 to 1 of the radius. */
export interface Placed {
  readonly nodeId: string;
  readonly x: number;
  readonly y: number;
}

const NEAREST = 0.46;
const FARTHEST = 0.92;
/** Round trips at and beyond which a node stands at the inner and the outer edge. */
const NEAR_MS = 5;
const FAR_MS = 500;

/** Distance from the middle for a round trip: logarithmic, since 10 ms against 20 ms matters as much as 100 against 200. */
export function distanceOf(rttMs: number | null): number {
  if (rttMs === null) return FARTHEST;
  const clamped = Math.min(Math.max(rttMs, NEAR_MS), FAR_MS);
  const share = Math.log(clamped / NEAR_MS) / Math.log(FAR_MS / NEAR_MS);
  return NEAREST + share * (FARTHEST - NEAREST);
}

/**
 * Nodes evenly around the middle in the order of their ids, so that the picture does not jump when figures change;
 * somebody who comes or goes moves the others a little.
 */
export function placeNodes(
  nodes: readonly { readonly nodeId: string; readonly rttMs: number | null }[],
): readonly Placed[] {
  const ordered = [...nodes].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  return ordered.map((node, index) => {
    const angle = -Math.PI / 2 + ((index + 0.5) / ordered.length) * 2 * Math.PI;
    const distance = distanceOf(node.rttMs);
    return { nodeId: node.nodeId, x: Math.cos(angle) * distance, y: Math.sin(angle) * distance };
  });
}
