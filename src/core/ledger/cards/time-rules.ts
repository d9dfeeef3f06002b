import { CLOCK_SKEW_MS } from '../../identity/memberships';
import { violationsOf, type NamingRule, type Violation } from '../rules/naming-rule';
import type { Timed } from './card-fields';

interface AtATime {
  readonly card: Timed;
  readonly now: number;
  /** What begins the sentence, for instance "The node card". */
  readonly what: string;
}

/** Of whatever counts for a time only. */
export const TIME_RULES: readonly NamingRule<AtATime>[] = [
  {
    name: 'expired',
    sentence: '… has expired.',
    wrong: ({ card, now, what }) => (card.expiresAt <= now ? [what] : []),
  },
  {
    name: 'not_yet_valid',
    sentence: '… comes from the future.',
    wrong: ({ card, now, what }) => (card.at > now + CLOCK_SKEW_MS ? [what] : []),
  },
];

/** Codes `expired`, `not_yet_valid`. `what` begins the sentence, for instance "The node card". */
export const outOfTime = (card: Timed, now: number, what: string): Violation | null =>
  violationsOf(TIME_RULES, { card, now, what })[0] ?? null;
