import type { MarginScore } from '#core/experts/validators/margin-test';

/**
 * Answers to judge, drawn from a model of logits: no engine runs here. Of 64 candidates the gaps between neighbours are
 * exponential with mean 2.55 / rank, whose first gap has the quartiles 0.73 and 1.77 that real small models show. Whoever
 * computes another model's logits adds normal errors to these and draws by the same noise; the margin is what its token then
 * loses by the true logits. With errors of 0.5, 1.0 and 1.5 that gives 4, 13 and 23 % gross misses, the published figures.
 */
export interface Draws {
  /** Uniform in the open interval from 0 to 1. */
  uniform(): number;
  normal(): number;
  /** A whole number from 0 up to `bound`. */
  below(bound: number): number;
}

/** SFC32 over a seed: fast, and repeats exactly. */
export function createDraws(seed: number): Draws {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88 | 0, 1];
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 16; warm++) word();
  const uniform = (): number => (word() + 0.5) / 0x1_0000_0000;
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    below: (bound) => Math.floor(uniform() * bound),
  };
}

const CANDIDATES = 64;
const MEAN_FIRST_GAP = 2.55;
const POOL = 1 << 16;

export type Pool = readonly MarginScore[];

const score = (margin: number): MarginScore => ({ rank: margin === 0 ? 0 : 1, margin });

/** Margin of one token that was drawn at temperature 1 from logits with errors, or by another seed's noise. */
function marginOf(draws: Draws, errors: number, otherSeed: boolean): number {
  let logit = 0;
  let [best, claimed, claimedBy] = [-Infinity, 0, -Infinity];
  for (let rank = 0; rank < CANDIDATES; rank++) {
    if (rank > 0) logit += (Math.log(draws.uniform()) * MEAN_FIRST_GAP) / rank;
    const noise = -Math.log(-Math.log(draws.uniform()));
    const drawnBy = otherSeed ? -Math.log(-Math.log(draws.uniform())) : noise;
    best = Math.max(best, logit + noise);
    const seen = logit + drawnBy + (errors === 0 ? 0 : errors * draws.normal());
    if (seen > claimedBy) [claimedBy, claimed] = [seen, logit + noise];
  }
  return best - claimed;
}

/** Margins of tokens computed with normal errors of this size; `otherSeed`: drawn with noise of one's own. */
export function poolOfErrors(seed: number, errors: number, otherSeed = false, size = POOL): Pool {
  const draws = createDraws(seed);
  return Array.from({ length: size }, () => score(marginOf(draws, errors, otherSeed)));
}

/** The same margins in other shares: exactly this part of them above 0.5. */
export function withGrossShare(pool: Pool, share: number): Pool {
  const [gross, other] = [pool.filter(({ margin }) => margin > 0.5), pool.filter(({ margin }) => margin <= 0.5)];
  const wanted = Math.round(share * pool.length);
  return pool.map((_, at) => (at < wanted ? gross[at % gross.length]! : other[at % other.length]!));
}

/** Tokens that miss grossly and a little at these rates, and not at all otherwise. */
export function poolOfRates(gross: number, soft: number, size = POOL): Pool {
  return Array.from({ length: size }, (_, at) => score(at < gross * size ? 0.7 : at < (gross + soft) * size ? 0.3 : 0));
}

/** Where in an answer a liar cheats: true for the tokens that are its own. */
export type Place = (position: number, length: number, draws: Draws) => boolean;

export const PLACES = {
  'all of it': () => true,
  'every other token, by chance': (_position, _length, draws) => draws.uniform() < 0.5,
  'first half': (position, length) => position < length / 2,
  'last half': (position, length) => position >= length / 2,
  'last quarter': (position, length) => position >= (3 * length) / 4,
  'second quarter': (position, length) => position >= length / 4 && position < length / 2,
  'a quarter across two windows': (position, length) => position >= (3 * length) / 16 && position < (7 * length) / 16,
  'last eighth': (position, length) => position >= (7 * length) / 8,
} as const satisfies Record<string, Place>;

export type PlaceName = keyof typeof PLACES;

/** One answer: tokens of the liar's where it cheats, honest ones elsewhere. */
export function drawAnswer(
  draws: Draws,
  length: number,
  honest: Pool,
  own: Pool = honest,
  place: Place = PLACES['all of it'],
): MarginScore[] {
  const answer: MarginScore[] = [];
  for (let position = 0; position < length; position++) {
    const pool = place(position, length, draws) ? own : honest;
    answer.push(pool[draws.below(pool.length)]!);
  }
  return answer;
}

/** An honest answer in which one token, anywhere, was replaced. */
export function forgeOne(draws: Draws, length: number, honest: Pool, forged: MarginScore): MarginScore[] {
  const answer = drawAnswer(draws, length, honest);
  answer[draws.below(length)] = forged;
  return answer;
}
