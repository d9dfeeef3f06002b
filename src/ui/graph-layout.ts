/** Boxes of the drawing of a provenance, in pixels: wide enough for a short sentence in two lines, high enough to be pressed. */
export const BOX = { width: 176, height: 52 } as const;
const GAP = { x: 72, y: 18 } as const;
/** Room for lines that run around a column. */
const MARGIN = 24;

export interface PlacedBox {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

export interface PlacedLine {
  readonly from: string;
  readonly to: string;
  /** An SVG path. */
  readonly path: string;
}

export interface GraphDrawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedBox[];
  readonly lines: readonly PlacedLine[];
}

interface Box {
  readonly id: string;
  readonly level: number;
}

interface Line {
  readonly from: string;
  readonly to: string;
}

/**
 * One column for each level, left to right: what rests on the middle, the middle, what that rests on. Within a column a box stands
 * near those that it is joined with; among equals the order is that of their ids. The same graph gives the same drawing.
 */
export function layOutGraph(nodes: readonly Box[], edges: readonly Line[]): GraphDrawing {
  const levels = [...new Set(nodes.map(({ level }) => level))].sort((a, b) => a - b);
  const columns = levels.map((level) =>
    nodes
      .filter((node) => node.level === level)
      .map(({ id }) => id)
      .sort(),
  );
  const rowOf = new Map<string, number>();
  const number = (column: readonly string[]): void =>
    column.forEach((id, row) => rowOf.set(id, row - (column.length - 1) / 2));
  columns.forEach(number);

  // From the middle outwards, each column after the one beside it.
  const middle = Math.max(0, levels.indexOf(0));
  for (const at of [...range(middle + 1, columns.length), ...range(0, middle).reverse()]) {
    const beside = new Set(columns[at < middle ? at + 1 : at - 1]);
    const pull = new Map(columns[at]!.map((id) => [id, meanRow(id, edges, beside, rowOf)]));
    columns[at]!.sort((a, b) => pull.get(a)! - pull.get(b)! || (a < b ? -1 : 1));
    number(columns[at]!);
  }

  const most = Math.max(1, ...columns.map((column) => column.length));
  const height = most * BOX.height + (most - 1) * GAP.y + 2 * MARGIN;
  const boxes = columns.flatMap((column, at) =>
    column.map((id) => ({
      id,
      x: MARGIN + at * (BOX.width + GAP.x),
      y: height / 2 + rowOf.get(id)! * (BOX.height + GAP.y) - BOX.height / 2,
    })),
  );
  const placeOf = new Map(boxes.map((box) => [box.id, box]));
  const lines = edges.flatMap(({ from, to }) => {
    const [a, b] = [placeOf.get(from), placeOf.get(to)];
    return a === undefined || b === undefined ? [] : [{ from, to, path: pathBetween(a, b) }];
  });
  return {
    width: columns.length * BOX.width + Math.max(0, columns.length - 1) * GAP.x + 2 * MARGIN,
    height,
    boxes,
    lines,
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);

function meanRow(
  id: string,
  edges: readonly Line[],
  beside: ReadonlySet<string>,
  rowOf: ReadonlyMap<string, number>,
): number {
  const rows = edges
    .flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []))
    .filter((other) => beside.has(other))
    .map((other) => rowOf.get(other)!);
  return rows.length === 0 ? 0 : rows.reduce((sum, row) => sum + row, 0) / rows.length;
}

/** From the right edge of one box to the left edge of another; within a column, or backwards, around the right side. */
function pathBetween(a: PlacedBox, b: PlacedBox): string {
  const start = { x: a.x + BOX.width, y: a.y + BOX.height / 2 };
  const forward = b.x > a.x;
  const end = { x: forward ? b.x : b.x + BOX.width, y: b.y + BOX.height / 2 };
  if (!forward) {
    const bend = Math.max(start.x, end.x) + GAP.x / 2;
    return `M ${start.x} ${start.y} C ${bend} ${start.y}, ${bend} ${end.y}, ${end.x} ${end.y}`;
  }
  const half = GAP.x / 2;
  return `M ${start.x} ${start.y} C ${start.x + half} ${start.y}, ${end.x - half} ${end.y}, ${end.x} ${end.y}`;
}
