import { LENGTHS, POSITIONS, type Figures, type Judged } from './figures';
import { byDivergence } from './render';

/** The power curves as an SVG: how often a full-time liar is rejected, by length, by positions and by divergence. */

const PANEL = { width: 270, height: 190, left: 44, top: 34, gap: 62 } as const;
const COLOURS = ['#7a5195', '#2f6f9f', '#2a8c6a', '#b8860b', '#c0392b', '#444444'] as const;

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const share = ({ measured, answers }: Judged): number => measured / answers;

function panel(
  at: number,
  title: string,
  ticks: readonly (readonly [x: number, label: string])[],
  lines: readonly Line[],
): string {
  const { width, height, left, top, gap } = PANEL;
  const x0 = left + at * (width + gap);
  const [least, most] = [ticks[0]![0], ticks.at(-1)![0]];
  const x = (value: number): string => (x0 + ((value - least) / (most - least)) * width).toFixed(1);
  const y = (value: number): string => (top + (1 - value) * height).toFixed(1);
  const parts = [`<text x="${x0}" y="${top - 14}" class="title">${title}</text>`];
  for (const level of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(`<line x1="${x0}" x2="${x0 + width}" y1="${y(level)}" y2="${y(level)}" class="grid"/>`);
    parts.push(`<text x="${x0 - 6}" y="${Number(y(level)) + 4}" class="end">${100 * level} %</text>`);
  }
  for (const [value, label] of ticks)
    parts.push(`<text x="${x(value)}" y="${top + height + 16}" class="middle">${label}</text>`);
  for (const [index, { points }] of lines.entries()) {
    const colour = COLOURS[index % COLOURS.length]!;
    parts.push(
      `<polyline points="${points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    );
    for (const [px, py] of points) parts.push(`<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${colour}"/>`);
  }
  return parts.join('\n');
}

function legend(at: number, names: readonly string[]): string {
  const x0 = PANEL.left + at * (PANEL.width + PANEL.gap);
  const y = PANEL.top + PANEL.height + 40;
  return names
    .map(
      (name, index) =>
        `<text x="${x0 + (index % 2) * 140}" y="${y + Math.floor(index / 2) * 16}" fill="${COLOURS[index % COLOURS.length]!}">${name}</text>`,
    )
    .join('\n');
}

export function renderCurve(figures: readonly Figures[]): string {
  const liars = byDivergence(figures);
  const over = (columns: readonly number[], of: (one: Figures) => Readonly<Record<string, Judged>>): readonly Line[] =>
    liars.map(({ name, figures: one }) => ({
      name,
      points: columns
        .filter((column) => of(one)[String(column)]!.answers > 0)
        .map((column) => [Math.log2(column), share(of(one)[String(column)]!)] as const),
    }));
  const names = liars.map(({ name, nats }) => `${name} (${nats.toPrecision(2)})`);
  const ofLength = LENGTHS.map((length) => ({
    name: `${length} tokens`,
    points: liars
      .filter(({ figures: one }) => one.byLength[String(length)]!.answers > 0)
      .map(({ nats, figures: one }) => [Math.log10(nats), share(one.byLength[String(length)]!)] as const),
  }));
  const log2Ticks = (columns: readonly number[]) =>
    columns.map((column) => [Math.log2(column), String(column)] as const);
  const decades = [-6, -5, -4, -3, -2, -1, 0].map((power) => [power, power === 0 ? '1' : `1e${power}`] as const);
  const width = PANEL.left + 3 * (PANEL.width + PANEL.gap);
  const height = PANEL.top + PANEL.height + 96;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="How often full-time liars are rejected">
<style>text{font:12px sans-serif;fill-opacity:1}.title{font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}.grid{stroke:#ccc;stroke-width:1}</style>
<rect width="100%" height="100%" fill="#fff"/>
${panel(
  0,
  'Rejected, by tokens of the answer',
  log2Ticks(LENGTHS),
  over(LENGTHS, ({ byLength }) => byLength),
)}
${legend(0, names)}
${panel(
  1,
  'Rejected, by positions looked at, of 256',
  log2Ticks(POSITIONS),
  over(POSITIONS, ({ byPositions }) => byPositions),
)}
${legend(1, names)}
${panel(2, 'Rejected, by divergence in nats per token', decades, ofLength)}
${legend(
  2,
  ofLength.map(({ name }) => name),
)}
</svg>
`;
}
