import type { MarginMeasurements } from '#core/experts/margin-measurements';
import { count, counted } from './words';

type Pair = MarginMeasurements['pairs'][number];
type Bounds = Pick<MarginMeasurements, 'softAboveHundredths' | 'grossAboveHundredths'>;

/** Where bands end, in hundredths of a logit: fine where honest devices lie, and with the two bounds of the check among them. */
const BAND_ENDS = [0, 1, 2, 5, 10, 20, 50, 100, 254, 255] as const;
/** The last bucket of a histogram: this much or more. */
const OPEN_END = 255;

export interface MarginBand {
  /** `0`, `0.03–0.05`, `2.55 and more`. */
  readonly label: string;
  readonly tokens: number;
  /** 0 to 1 of the plot's height, on a logarithmic scale: one token beside ten thousand is still seen. */
  readonly height: number;
  readonly miss: 'none' | 'soft' | 'gross';
}

const logits = (hundredths: number): string => (hundredths === 0 ? '0' : (hundredths / 100).toFixed(2));

/** The tokens of a pair by how much they missed, from nothing to the most. */
export function marginBands({ counts }: Pick<Pair, 'counts'>, bounds: Bounds): readonly MarginBand[] {
  const bands = BAND_ENDS.map((to, at) => {
    const from = (BAND_ENDS[at - 1] ?? -1) + 1;
    return { from, to, tokens: tokensWithin(counts, from, to) };
  });
  const most = Math.max(1, ...bands.map(({ tokens }) => tokens));
  return bands.map(({ from, to, tokens }) => ({
    label: to === OPEN_END ? `${logits(from)} and more` : from === to ? logits(to) : `${logits(from)}–${logits(to)}`,
    tokens,
    height: Math.log1p(tokens) / Math.log1p(most),
    miss: from > bounds.grossAboveHundredths ? 'gross' : from > bounds.softAboveHundredths ? 'soft' : 'none',
  }));
}

const tokensWithin = (counts: Pair['counts'], from: number, to: number): number =>
  counts.reduce((sum, one) => (one.hundredths >= from && one.hundredths <= to ? sum + one.tokens : sum), 0);

export const tokensOf = ({ counts }: Pick<Pair, 'counts'>): number => tokensWithin(counts, 0, OPEN_END);

/** Two digits that say something: `1.2 %`, `0.034 %`. */
const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;

/** How many tokens lie above a bound, and what share of all that is. */
function above(pair: Pick<Pair, 'counts'>, bound: number): string {
  const missed = tokensWithin(pair.counts, bound + 1, OPEN_END);
  const words = `${missed === 0 ? 'none' : count(missed)} above ${logits(bound)}`;
  return missed === 0 ? words : `${words} (${percent(missed / tokensOf(pair))})`;
}

/** Fewer tokens without a miss show nothing: of n, fewer than 3 / n miss with 95 % certainty (the rule of three). */
const LEAST_TELLING = 30;

/** A pair in one sentence: how many tokens, and what share of them lies above the bounds of the check. */
export function pairSentence(pair: Pick<Pair, 'counts'>, bounds: Bounds): string {
  const all = tokensOf(pair);
  const soft = above(pair, bounds.softAboveHundredths);
  const gross = above(pair, bounds.grossAboveHundredths);
  const found = soft.startsWith('none') ? soft : `${soft}, ${gross}`;
  if (!gross.startsWith('none')) return `${counted(all, 'token')}: ${found}.`;
  const bound = soft.startsWith('none') ? bounds.softAboveHundredths : bounds.grossAboveHundredths;
  const shows =
    all < LEAST_TELLING
      ? 'too few to say more'
      : `with 95 % certainty fewer than ${percent(3 / all)} are above ${logits(bound)}`;
  return `${counted(all, 'token')}: ${found}; ${shows}.`;
}

/** What a node's card says of its device, in words; a class of another form is shown as it is. */
export function deviceWords(deviceClass: string): string {
  const told = /^(true|false|\?) (\d+|\?) (\d+|\?)$/.exec(deviceClass);
  if (told === null) return deviceClass;
  const [, webgpu, cores, memoryGb] = told;
  const words = [
    webgpu === '?' ? null : webgpu === 'true' ? 'WebGPU' : 'no WebGPU',
    cores === '?' ? null : counted(Number(cores), 'core'),
    memoryGb === '?' ? null : `${memoryGb} GB`,
  ].filter((word) => word !== null);
  return words.length === 0 ? 'unknown' : words.join(', ');
}
