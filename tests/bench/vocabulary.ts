import { decide, scoreClaim } from '#core/engines/decision';
import { topIds, TOP_K, TOP_K_TOLERANCE, type Sampling } from '#core/engines/sampling';
import { createSeededChance } from '#tests/fakes/seeded-chance';
import type { Bench } from './bench';
import { median, rounded } from './figures';

/** As many tokens as the vocabularies of the large models have. */
const VOCABULARY = 152_000;
/** Different logits in turns, more than any cache holds of them. */
const ROWS = 16;
const LARGEST = TOP_K + TOP_K_TOLERANCE;

/** Numbers as logits are spread: a bell of some width, no two alike. */
function logitsOf(count: number, row: number): Float32Array {
  const bytes = createSeededChance(row).bytes(count * 4);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, count);
  return Float32Array.from(words, (word, index) => {
    const other = words[(index + 1) % count]!;
    const radius = Math.sqrt(-2 * Math.log((word + 1) / 2 ** 32));
    return 3 * radius * Math.cos((2 * Math.PI * other) / 2 ** 32);
  });
}

const sampling: Sampling = { temperature: 1, seeds: [{ from: 0, seed: createSeededChance(99).bytes(32) }] };

/** The rule by which tokens are chosen and checked, without any model: what it costs at one position, in plain code. */
export const vocabulary: Bench = {
  name: 'vocabulary',
  title: `Choosing and checking one token of ${VOCABULARY.toLocaleString('en-GB')}`,
  async run({ quick }) {
    const rounds = quick ? 3 : 40;
    const rows = Array.from({ length: ROWS }, (_, row) => logitsOf(VOCABULARY, row));
    let position = 0;
    /** Microseconds of the processor for one position; the median of rounds over all rows. Who else computes does not count. */
    const usEach = (work: (logits: Float32Array, at: number) => unknown): number => {
      const took: number[] = [];
      let kept = 0;
      for (let round = -2; round < rounds; round++) {
        const before = process.cpuUsage();
        for (const logits of rows) if (work(logits, position++) !== undefined) kept++;
        const { user, system } = process.cpuUsage(before);
        if (round >= 0) took.push((user + system) / ROWS);
      }
      if (kept === 0) throw new Error('Nothing was computed.');
      return rounded(median(took), 1);
    };
    const scanUs = usEach((logits) => {
      let best = 0;
      for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
      return best;
    });
    const claimed = rows.map((logits) => topIds(logits, 2)[1]!);
    const claimAt = (logits: Float32Array): number => claimed[rows.indexOf(logits)]!;
    const greedyUs = usEach((logits, at) => decide({}, logits, at).chosenId);
    const drawnUs = usEach((logits, at) => decide({ sampling }, logits, at).chosenId);
    const greedyCheckUs = usEach((logits, at) => scoreClaim({}, logits, at, claimAt(logits)).margin);
    const drawnCheckUs = usEach((logits, at) => scoreClaim({ sampling }, logits, at, claimAt(logits)).margin);
    return {
      figures: {
        rounds,
        vocabulary: VOCABULARY,
        oneScanUs: scanUs,
        largestUs: usEach((logits) => topIds(logits, LARGEST)[0]),
        greedyUs,
        drawnUs,
        drawnOverGreedy: rounded(drawnUs / greedyUs, 2),
        greedyCheckUs,
        drawnCheckUs,
        drawnCheckNsPerLogit: rounded((drawnCheckUs * 1000) / VOCABULARY, 2),
        drawnOverGreedyCheck: rounded(drawnCheckUs / greedyCheckUs, 2),
      },
      bars: [],
    };
  },
};
