import { describe, expect, it } from 'vitest';
import { distanceOf, placeNodes } from './mesh-layout';

describe('the map of the mesh', () => {
  it('puts a node farther out the longer it takes to answer, within the edges', () => {
    const distances = [1, 5, 24, 120, 500, 9_000].map(distanceOf);
    expect([...distances].sort((a, b) => a - b)).toEqual(distances);
    expect(distances[0]).toBe(distances[1]);
    expect(distances[4]).toBe(distances[5]);
  });

  it('puts a node of unknown distance at the edge', () => {
    expect(distanceOf(null)).toBe(distanceOf(500));
  });

  it('does not depend on the order in which nodes are listed', () => {
    const nodes = ['c', 'a', 'b'].map((nodeId) => ({ nodeId, rttMs: 20 }));
    expect(placeNodes(nodes)).toEqual(placeNodes([...nodes].reverse()));
  });

  it('never puts two nodes at the same place', () => {
    const placed = placeNodes(Array.from({ length: 24 }, (_, index) => ({ nodeId: `${index}`, rttMs: 20 })));
    expect(new Set(placed.map(({ x, y }) => `${x.toFixed(3)},${y.toFixed(3)}`)).size).toBe(24);
  });
});
