import { wordsOf } from '../../base/text';
import type { AdmissionGate, KnownExpert, Measured, Finding } from './gate';
import type { AnsweredItem } from './evaluation-set';

/** Two experts that say more than nine tenths of the same in the same words are one expert under two names. */
export const MOST_SIMILAR_PERCENT = 90;
/** A twin is welcome where it needs a quarter less memory: it brings the expert to smaller devices. */
export const LIGHTER_PERCENT = 75;
/** Runs of words that are compared: long enough that common phrases do not count. */
const SHINGLE_WORDS = 3;

const shinglesOf = (text: string): ReadonlySet<string> => {
  const words = wordsOf(text.toLowerCase());
  if (words.length < SHINGLE_WORDS) return new Set([words.join(' ')]);
  return new Set(words.slice(SHINGLE_WORDS - 1).map((_, at) => words.slice(at, at + SHINGLE_WORDS).join(' ')));
};

/** Share of runs of three words that two texts have in common, 0 to 1 (Jaccard). */
export function textSimilarity(a: string, b: string): number {
  const [left, right] = [shinglesOf(a), shinglesOf(b)];
  let shared = 0;
  for (const one of left) if (right.has(one)) shared += 1;
  return shared / (left.size + right.size - shared);
}

/**
 * How alike two experts behave, 0 to 1: the mean over the questions that both were asked. What both refused is left out: two
 * experts that know their limits are not alike for that. Null when nothing can be compared.
 */
export function behaviourSimilarity(measured: Pick<Measured, 'target' | 'general'>, other: KnownExpert): number | null {
  let sum = 0;
  let compared = 0;
  for (const part of ['target', 'general'] as const) {
    if (measured[part].digest !== other[part].digest) continue;
    const theirs = new Map<string, AnsweredItem>(other[part].items.map((item) => [item.question, item]));
    for (const item of measured[part].items) {
      const their = theirs.get(item.question);
      if (their === undefined || (item.refused && their.refused)) continue;
      sum += textSimilarity(item.text, their.text);
      compared += 1;
    }
  }
  return compared === 0 ? null : sum / compared;
}

/** Many copies of one expert would look like choice and count as several voices. */
export const noNearDuplicate: AdmissionGate = {
  name: 'no-near-duplicate',
  label: 'Not a copy',
  demand: `Other weights than every expert that is in, and answers at most ${MOST_SIMILAR_PERCENT} % the same, unless it needs a quarter less memory.`,
  judge({ card, measured, known }): Finding {
    const others = known.filter(({ expert, version }) => expert !== card.expert || version !== card.version);
    const twin = others.find(({ modelHash }) => modelHash === card.modelHash);
    const figures = { compared: others.length, mostSimilarPercent: MOST_SIMILAR_PERCENT };
    if (twin !== undefined) {
      const sentence = `Its weights are those of ${twin.expert} ${twin.version}.`;
      return { passed: false, figures: { ...figures, similarPercent: 100 }, sentence };
    }
    // A new version may well say much of what the one before says: whether it is better is judged elsewhere.
    const strangers = others.filter(({ expert }) => expert !== card.expert);
    let worst: { readonly other: KnownExpert; readonly similarity: number } | null = null;
    for (const other of strangers) {
      const similarity = behaviourSimilarity(measured, other);
      const lighter = card.memoryBytes * 100 <= LIGHTER_PERCENT * other.memoryBytes;
      if (similarity === null || lighter) continue;
      if (worst === null || similarity > worst.similarity) worst = { other, similarity };
    }
    if (worst === null) {
      return { passed: true, figures, sentence: 'No other expert is known here that it could be a copy of.' };
    }
    const similarPercent = Math.round(worst.similarity * 100);
    return {
      passed: worst.similarity * 100 <= MOST_SIMILAR_PERCENT,
      figures: { ...figures, similarPercent },
      sentence: `Its answers are ${similarPercent} % the same as those of ${worst.other.expert} ${worst.other.version}, the nearest.`,
    };
  },
};
