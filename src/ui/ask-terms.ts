import type { AskOptions } from '#node/page-api';
import type { PriceRange } from '#node/tab-node';
import { creditText } from './words';

export type Stakes = NonNullable<AskOptions['stakes']>;

/** How many nodes answer. */
export const ANSWERS: Readonly<Record<Stakes, number>> = { ordinary: 1, raised: 3, high: 5 };

export const STAKES_WORDS: Readonly<Record<Stakes, string>> = {
  ordinary: 'Ordinary: one answer, checked',
  raised: 'Raised: two of three must agree',
  high: 'High: three of five, and audited',
};

const MICROS = 1_000_000;
/** What a price field takes: more is no price of an answer. */
const MOST_CREDITS = 1_000_000;

/** Millionths out of a field for credits; null for what is no price. */
export function microsOf(text: string): number | null {
  const credits = Number(text.trim().replace(',', '.'));
  if (text.trim() === '' || !Number.isFinite(credits) || credits < 0 || credits > MOST_CREDITS) return null;
  return Math.round(credits * MICROS);
}

/** What those who offer answers ask for this question, and what comes of the person's own limit. One or two sentences. */
export function priceSentence(range: PriceRange | null, payAtMostMicros: number, stakes: Stakes): string {
  const answers = ANSWERS[stakes];
  const most = `You pay ${creditText(payAtMostMicros * answers)} at most${answers === 1 ? '' : ` for ${answers} answers`}.`;
  if (range === null) return `Nobody offers answers just now. ${most}`;
  if (range.toMicros === 0) return 'Whoever is here answers for nothing.';
  const asked =
    range.fromMicros === range.toMicros
      ? creditText(range.toMicros)
      : `${creditText(range.fromMicros)} to ${creditText(range.toMicros)}`;
  const price = `An answer costs ${asked} at most${range.free ? ', and some answer for nothing' : ''}.`;
  if (payAtMostMicros === 0) return `${price} You ask for a favour: nothing is paid.`;
  return payAtMostMicros < range.fromMicros
    ? `${price} That is more than you pay: you ask for a favour.`
    : `${price} ${most}`;
}
