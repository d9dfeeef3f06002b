/** Margins at or above this are gross; see docs/spec/checking.md. */
export const GROSS_HUNDREDTHS = 50;
/** What a margin byte says at most. */
const LARGEST_HUNDREDTHS = 255;

export interface MarginBar {
  /** 0 to 1: where in the answer. */
  readonly x: number;
  /** 0 to 1 of the plot's height: a logarithmic scale, on which the gross bound stands at two thirds. */
  readonly height: number;
  readonly gross: boolean;
  readonly position: number;
  readonly hundredths: number;
}

/** Heights that let a margin of a hundredth be seen beside one of two and a half. */
export const heightOf = (hundredths: number): number => Math.log1p(hundredths) / Math.log1p(LARGEST_HUNDREDTHS);

/** The bars of a plot, one per token looked at, in the order of the answer. */
export function marginBars(margins: readonly (readonly [number, number])[], length: number): readonly MarginBar[] {
  return [...margins]
    .sort(([a], [b]) => a - b)
    .map(([position, hundredths]) => ({
      x: length <= 1 ? 0 : position / (length - 1),
      height: heightOf(hundredths),
      gross: hundredths > GROSS_HUNDREDTHS,
      position,
      hundredths,
    }));
}
