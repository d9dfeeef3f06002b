import { describe, expect, it } from 'vitest';
import { BOX, layOutGraph } from './graph-layout';

const nodes = [
  { id: 'claim', level: 0 },
  { id: 'bundle', level: 1 },
  { id: 'receipt', level: 1 },
  { id: 'dispute', level: -1 },
  { id: 'attestation', level: -1 },
  { id: 'source', level: 0 },
];
const edges = [
  { from: 'claim', to: 'bundle' },
  { from: 'claim', to: 'receipt' },
  { from: 'dispute', to: 'claim' },
  { from: 'dispute', to: 'source' },
  { from: 'attestation', to: 'claim' },
];

describe('the drawing of a provenance', () => {
  it('has a column for each level, what rests on the claim at the left, what it rests on at the right', () => {
    const { boxes } = layOutGraph(nodes, edges);
    const x = Object.fromEntries(boxes.map((box) => [box.id, box.x]));
    expect(x['dispute']).toBe(x['attestation']);
    expect(x['dispute']).toBeLessThan(x['claim']!);
    expect(x['claim']).toBe(x['source']);
    expect(x['claim']).toBeLessThan(x['bundle']!);
  });

  it('lets no two boxes overlap, and keeps all of them inside', () => {
    const many = Array.from({ length: 81 }, (_, at) => ({ id: `${at}`, level: (at % 9) - 4 }));
    const { boxes, width, height } = layOutGraph(many, []);
    for (const [at, a] of boxes.entries()) {
      expect(a.x >= 0 && a.y >= 0 && a.x + BOX.width <= width && a.y + BOX.height <= height).toBe(true);
      for (const b of boxes.slice(at + 1))
        expect(Math.abs(a.x - b.x) >= BOX.width || Math.abs(a.y - b.y) >= BOX.height).toBe(true);
    }
  });

  it('does not depend on the order in which nodes and edges are listed', () => {
    const drawn = layOutGraph(nodes, edges);
    const again = layOutGraph([...nodes].reverse(), [...edges].reverse());
    expect(again.boxes).toEqual(drawn.boxes);
    expect([...again.lines].reverse()).toEqual(drawn.lines);
  });

  it('puts a box near those that it is joined with', () => {
    const { boxes } = layOutGraph(
      [
        { id: 'root', level: 0 },
        { id: 'a', level: 1 },
        { id: 'b', level: 1 },
        { id: 'under b', level: 2 },
        { id: 'v under a', level: 2 },
      ],
      [
        { from: 'root', to: 'a' },
        { from: 'root', to: 'b' },
        { from: 'a', to: 'v under a' },
        { from: 'b', to: 'under b' },
      ],
    );
    const y = Object.fromEntries(boxes.map((box) => [box.id, box.y]));
    expect(y['v under a']).toBe(y['a']);
    expect(y['under b']).toBe(y['b']);
  });

  it('draws every edge, also within a column and in a circle, and none that leads outside', () => {
    const drawn = layOutGraph(
      [
        { id: 'a', level: 0 },
        { id: 'b', level: 0 },
      ],
      [
        { from: 'a', to: 'b' },
        { from: 'b', to: 'a' },
        { from: 'a', to: 'elsewhere' },
      ],
    );
    expect(drawn.lines.map(({ from, to }) => `${from} ${to}`)).toEqual(['a b', 'b a']);
    for (const { path } of drawn.lines) expect(path).toMatch(/^M [\d.]+ [\d.]+ C [\d. ,]+$/);
  });

  it('of nothing is empty', () => {
    expect(layOutGraph([], [])).toMatchObject({ boxes: [], lines: [] });
  });
});
