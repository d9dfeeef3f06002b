import { atMost, type Bench } from './bench';
import { LOOM, withEnginePage } from './engine-page';
import { medianMs, percentile, rounded } from './figures';

/** Past this a person presses the button again. */
const MAX_STOP_MS = 200;

/** A person stops an answer: how long until nothing computes for it any more. On WebAssembly, one thread. */
export const stopping: Bench = {
  name: 'stopping',
  title: 'From stop to stopped, Loom on WebAssembly',
  async run({ quick, say }) {
    const each = quick ? 3 : 40;
    const stop = (name: string, afterTokens: readonly number[]): Promise<number[]> => {
      say(name);
      return withEnginePage((page) =>
        page.evaluate(([which, after]) => window.engines.stops(which, after), [LOOM, afterTokens] as const),
      );
    };
    const writing = await stop(
      'while it writes',
      // Anywhere in the answer, the more so as the cache is long.
      Array.from({ length: each }, (_, index) => 1 + Math.floor((index * 480) / each)),
    );
    const reading = await stop(
      'while it reads a long prompt',
      Array.from({ length: quick ? 1 : 12 }, () => 0),
    );
    const worst95 = percentile(writing, 95);
    return {
      figures: {
        stops: writing.length,
        writingStopMs: medianMs(writing),
        writingStopP95Ms: rounded(worst95, 1),
        writingStopWorstMs: rounded(Math.max(...writing), 1),
        stopsWhileReading: reading.length,
        readingStopMs: medianMs(reading),
        readingStopWorstMs: rounded(Math.max(...reading), 1),
      },
      bars: [atMost('stop, 95 of 100', rounded(worst95, 1), MAX_STOP_MS, 'ms')],
    };
  },
};
