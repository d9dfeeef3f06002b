import { fail, ok, type Result } from '../base/result';
import type { Sampling } from './sampling';
import { MAX_TEMPERATURE } from './sampling-limits';

const SEED_BYTES = 32;
/** An answer that changed hands more often than this is not worth going on with. */
export const MAX_SEED_SEGMENTS = 64;

/**
 * Whether tokens may be drawn, or checked, under `sampling`; every engine asks this before it computes anything. What is
 * out of range is refused, not bent: bent by one engine and not by another, the same request would give two answers.
 * Code: `sampling_malformed`.
 */
export function checkSampling(sampling: Sampling | undefined): Result<void> {
  if (sampling === undefined) return ok(undefined);
  const { temperature, seeds } = sampling;
  // The comparison is false for NaN, too.
  if (!(temperature >= 0 && temperature <= MAX_TEMPERATURE))
    return fail('sampling_malformed', `The temperature must lie between 0 and ${MAX_TEMPERATURE}.`);
  if (seeds.length > MAX_SEED_SEGMENTS)
    return fail('sampling_malformed', 'The answer has more parts with a seed of their own than one may have.');
  const ascending = seeds.every(({ from }, index) =>
    index === 0 ? from === 0 : Number.isSafeInteger(from) && from > seeds[index - 1]!.from,
  );
  if (seeds.length === 0 || !ascending)
    return fail('sampling_malformed', 'The seeds must begin at the first token and ascend.');
  if (seeds.some(({ seed }) => !(seed instanceof Uint8Array) || seed.length !== SEED_BYTES))
    return fail('sampling_malformed', `A seed has exactly ${SEED_BYTES} bytes.`);
  return ok(undefined);
}
