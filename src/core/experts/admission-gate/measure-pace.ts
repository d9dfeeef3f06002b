import type { Clock } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import type { LanguageModel } from '../../engines/language-model';

/** Thousandths of a token per second: whole numbers, so that they can be signed. */
export interface Pace {
  /** Reading: tokens of prompt and answer that one pass takes in. */
  readonly prefillMilliTokensPerS: number;
  /** Writing, from the first token to the last. */
  readonly decodeMilliTokensPerS: number;
}

/** The middle of three: one round may be disturbed by the rest of the device. */
const ROUNDS = 3;
const TOKENS = 64;
/** Fewer tokens than these say more about the clock than about the device. */
const LEAST_TOKENS = 8;

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** How fast a model reads and writes on this device right now. Codes of the model, `not_measured` and `cancelled`. */
export async function measurePace(
  model: LanguageModel,
  question: string,
  clock: Clock,
  signal = new AbortController().signal,
): Promise<Result<Pace>> {
  const prompt = await model.encodePrompt([{ role: 'user', text: question }]);
  if (!prompt.ok) return prompt;
  const promptIds = prompt.value;
  const reading: number[] = [];
  const writing: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let firstMs = 0;
    let lastMs = 0;
    let tokens = 0;
    const generated = await model.generate({ promptIds, prefixIds: [], maxTokens: TOKENS, signal }, () => {
      lastMs = clock.monotonicMs();
      if (tokens === 0) firstMs = lastMs;
      tokens += 1;
    });
    if (!generated.ok) return generated;
    if (signal.aborted) return fail('cancelled', 'The measurement was stopped.');
    const { ids } = generated.value;
    const beforeMs = clock.monotonicMs();
    const scored = await model.score(promptIds, ids);
    if (!scored.ok) return scored;
    const readMs = clock.monotonicMs() - beforeMs;
    if (tokens < LEAST_TOKENS || lastMs <= firstMs || readMs <= 0) {
      return fail('not_measured', 'The model wrote too little for its speed to be measured.');
    }
    reading.push((promptIds.length + ids.length) / readMs);
    writing.push((tokens - 1) / (lastMs - firstMs));
  }
  // Tokens per millisecond times a million are thousandths of a token per second.
  const milli = (perMs: number): number => Math.max(1, Math.round(perMs * 1e6));
  return ok({ prefillMilliTokensPerS: milli(middle(reading)), decodeMilliTokensPerS: milli(middle(writing)) });
}
