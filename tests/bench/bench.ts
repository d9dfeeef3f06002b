/** How a figure is judged: against a limit that it may not pass, or a floor that it must reach. */
export interface Bar {
  readonly name: string;
  readonly figure: number;
  readonly bar: number;
  readonly must: 'at most' | 'at least';
  readonly unit: string;
  readonly met: boolean;
}

/** What one bench found: named figures (units in their names), and the bars that it answers for. */
export interface Found {
  readonly figures: Readonly<Record<string, number | string | readonly number[]>>;
  readonly bars: readonly Bar[];
}

export interface BenchSurroundings {
  /** The app, served by the real server from the current build. */
  readonly origin: string;
  /** Few rounds: enough to see that everything runs, too few for a figure that stands. */
  readonly quick: boolean;
  /** For the person who waits; goes to standard error. */
  say(line: string): void;
}

export interface Bench {
  readonly name: string;
  readonly title: string;
  run(surroundings: BenchSurroundings): Promise<Found>;
}

export const atMost = (name: string, figure: number, bar: number, unit: string): Bar => ({
  name,
  figure,
  bar,
  must: 'at most',
  unit,
  met: figure <= bar,
});

export const atLeast = (name: string, figure: number, bar: number, unit: string): Bar => ({
  name,
  figure,
  bar,
  must: 'at least',
  unit,
  met: figure >= bar,
});
