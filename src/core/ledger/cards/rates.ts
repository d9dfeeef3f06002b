import { fail, ok, type Result } from '../../base/result';
import type { HostAdvertisement } from './host-advertisement';
import { MAX_RATE_MICROS } from './money';

/** Credits for a hundred tokens are billions of parameters: 10,000 micros for one token and one billion. */
const MICROS_PER_TOKEN_AND_BILLION = 10_000;
/** Checking reads what answering writes: about a third of its price pays for that. */
const VERIFICATION_SHARE_PERCENT = 30;

/** Micros per token that a model costs where its host says nothing else: credits = billions of parameters × tokens / 100. */
export const defaultRateMicros = (parameters: number): number =>
  Math.min(MAX_RATE_MICROS, Math.max(1, Math.round((parameters / 1e9) * MICROS_PER_TOKEN_AND_BILLION)));

/** Micros per token that is checked, from what answering costs; what is answered for nothing is checked for nothing. */
export const verificationRateMicros = (inferenceRateMicros: number): number =>
  inferenceRateMicros === 0 ? 0 : Math.max(1, Math.round((inferenceRateMicros * VERIFICATION_SHARE_PERCENT) / 100));

export interface Metered {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly rateMicros: number;
  readonly minimumMicros: number;
}

/**
 * What a job costs, exactly: every token in and out at one rate, and the job's minimum at least. Fails with
 * `not_countable` where a figure is no whole number from 0 up, or the charge none that can be held exactly.
 */
export function chargeMicros({ promptTokens, completionTokens, rateMicros, minimumMicros }: Metered): Result<number> {
  const tokens = promptTokens + completionTokens;
  const charge = Math.max(minimumMicros, tokens * rateMicros);
  const figures = [promptTokens, completionTokens, rateMicros, minimumMicros, tokens, charge];
  return figures.every((figure) => Number.isSafeInteger(figure) && figure >= 0)
    ? ok(charge)
    : fail('not_countable', 'The price of this job cannot be counted exactly.');
}

/** What a job may cost, before anybody is asked. */
export interface PriceRange {
  /** When nothing is answered. */
  readonly leastMicros: number;
  /** When every token that was allowed is answered. */
  readonly mostMicros: number;
}

/** A price before asking. Codes `not_offered` (no inference in this offer), `not_countable`. */
export function priceRange(
  { offer }: Pick<HostAdvertisement, 'offer'>,
  promptTokens: number,
  maxTokens: number,
): Result<PriceRange> {
  const rateMicros = offer.rateMicros.inference;
  if (rateMicros === null || !offer.roles.includes('inference'))
    return fail('not_offered', 'This node offers no answers there.');
  const charge = (completionTokens: number) =>
    chargeMicros({ promptTokens, completionTokens, rateMicros, minimumMicros: offer.minimumJobMicros });
  const least = charge(0);
  const most = charge(maxTokens);
  if (!least.ok) return least;
  return most.ok ? ok({ leastMicros: least.value, mostMicros: most.value }) : most;
}
