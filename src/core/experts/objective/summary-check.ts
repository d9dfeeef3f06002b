import { countCodePoints, wordsOf } from '../../base/text';

/** What a summary says and its source does not, at most this many of each: a hint for the reader, no proof of anything. */
const MAX_WARNINGS = 8;

export interface SummaryWarnings {
  readonly numbers: readonly string[];
  readonly names: readonly string[];
}

/** Digits with what groups them, `1,200.50` and `1 200,50` alike; signs and units left out. */
const NUMBER = /\d+(?:[.,'’\u00a0\u202f ]\d+)*/gu;
/** A word that begins with a capital and goes on: `Ada`, `McCarthy`, `NATO`. */
const CAPITALISED = /\p{Lu}[\p{L}\p{M}\p{Nd}’'-]+/gu;
/** How far back it is looked whether a sentence begins: more white space than this begins one too. */
const LOOK_BACK_CHARACTERS = 16;
/** A capital after these says nothing: a sentence, an item or a quotation begins. */
const SENTENCE_END = /[.!?:;“"«(•*-]$/u;

/** Whether a sentence or a line begins at `index`. */
function beginsSentence(text: string, index: number): boolean {
  const before = text.slice(Math.max(0, index - LOOK_BACK_CHARACTERS), index);
  const said = before.trimEnd();
  return said === '' || SENTENCE_END.test(said) || before.slice(said.length).includes('\n');
}

const digitsOf = (number: string): string => number.replace(/\D/g, '');
const fold = (text: string): string => text.normalize('NFC').toLowerCase();
/** A name's stem: a genitive or plural ending at its end does not make it another name. */
const stem = (word: string): string => fold(word).replace(/[’']?s$/u, '');

/**
 * Numbers and names in a summary that its source lacks. Numbers are compared by their digits, names by their words
 * without case; a capital at the start of a sentence is not taken for a name.
 */
export function summaryWarnings(source: string, summary: string): SummaryWarnings {
  const numbers = new Set((source.match(NUMBER) ?? []).map(digitsOf));
  const words = new Set((source.match(/[\p{L}\p{M}\p{Nd}’'-]+/gu) ?? []).map(stem));
  const distinct = (found: readonly string[]): string[] => [...new Set(found)].slice(0, MAX_WARNINGS);
  return {
    numbers: distinct((summary.match(NUMBER) ?? []).filter((number) => !numbers.has(digitsOf(number)))),
    names: distinct(
      [...summary.matchAll(CAPITALISED)]
        .filter(({ index }) => !beginsSentence(summary, index))
        .map(([word]) => word)
        .filter((word) => !words.has(stem(word))),
    ),
  };
}

/** Models count words badly: this much more than was asked for is still within bounds. */
const OVERSHOOT = 1.5;

/** Why a text is no summary whatever it says: `empty_summary`, `too_many_words`, `longer_than_source`; null when it may be one. */
export function summaryFault(source: string, summary: string, maxWords: number): string | null {
  const words = wordsOf(summary).length;
  if (words === 0) return 'empty_summary';
  if (words > maxWords * OVERSHOOT) return 'too_many_words';
  return countCodePoints(summary) > countCodePoints(source) ? 'longer_than_source' : null;
}
