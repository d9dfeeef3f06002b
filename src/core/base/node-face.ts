import type { NodeId } from './ids';
import { nodeDigest } from './node-name';

export const FACE_SIZE = 5;

/** A small symmetric picture of a node as plain data; the interface draws it. */
export interface NodeFace {
  /** FACE_SIZE rows of FACE_SIZE cells, mirrored about the middle column; true is filled. Between 6 and 19 are filled. */
  readonly cells: readonly (readonly boolean[])[];
  /** Two hues in degrees (OKLCH), at least 60 apart. */
  readonly hues: readonly [number, number];
  /**
   * The hues as CSS colours of one lightness and chroma, with a contrast of at least 3 to 1 (WCAG 1.4.11) on the light
   * and on the dark paper. The middle column takes the second colour, the rest the first.
   */
  readonly colours: readonly [string, string];
}

const LIGHTNESS = 0.58;
const CHROMA = 0.12;
/** Twelve hues stay apart by eye; more would look alike. */
const HUE_STEPS = 12;
const TWELVE_CELLS = 0b010_111_101_010_000;

/** Made from the key alone: the same everywhere and always. Faces repeat sooner than names, so they go beside one. */
export function nodeFace(nodeId: NodeId): NodeFace {
  const digest = nodeDigest(nodeId);
  // Bytes 0 to 3 make the name; the face takes others so that the two are independent.
  const bits = (digest[4]! << 8) | digest[5]!;
  const half = Math.ceil(FACE_SIZE / 2);
  const filled = (row: number, column: number, pattern: number): boolean => {
    const mirrored = Math.min(column, FACE_SIZE - 1 - column);
    return ((pattern >> (row * half + mirrored)) & 1) === 1;
  };
  const draw = (pattern: number) =>
    Array.from({ length: FACE_SIZE }, (_, row) =>
      Array.from({ length: FACE_SIZE }, (_, column) => filled(row, column, pattern)),
    );
  const count = (cells: boolean[][]): number => cells.flat().filter(Boolean).length;
  const plain = draw(bits);
  // An almost empty or almost full square is no face: a fixed shape of twelve cells turns it into one.
  const cells = count(plain) < 6 || count(plain) > 19 ? draw(bits ^ TWELVE_CELLS) : plain;

  const step = 360 / HUE_STEPS;
  const first = (digest[6]! % HUE_STEPS) * step;
  // 2 to 10 steps on: never the same hue, never a neighbour.
  const second = (first + (2 + (digest[7]! % (HUE_STEPS - 3))) * step) % 360;
  const colour = (hue: number): string => `oklch(${LIGHTNESS} ${CHROMA} ${hue})`;
  return { cells, hues: [first, second], colours: [colour(first), colour(second)] };
}
