import { ok, type Result } from '../base/result';
import type { LanguageModel } from './language-model';
import type { Golden } from './model-manifest';

/** A healthy device agrees with 98 % of another one's greedy tokens at least (350 public browser runs); broken ones with less than 90 %. */
const LEAST_AGREEMENT = 0.94;
/** A token that loses by more than this is no rounding. */
const GROSS_MARGIN = 0.5;
/** Five in a thousand: what the worst healthy driver was assumed to do. */
const MOST_GROSS_SHARE = 0.005;
/** A short transcript may have one by bad luck. */
const GROSS_ALLOWED = 1;

export interface SelfTestReport {
  readonly passed: boolean;
  readonly positions: number;
  /** Positions at which this device chose the same token. */
  readonly agreeing: number;
  readonly gross: number;
  readonly worstMargin: number;
  /** True when the tokenizer and template gave the very prompt of the transcript. */
  readonly promptsAgree: boolean;
}

/**
 * Whether this device computes the model as others do: golden transcripts, made elsewhere and greedily, are teacher-forced
 * here. 15 % of real browser configurations in one public set did not (webgpu-bench), and noticed nothing.
 */
export async function selfTest(model: LanguageModel, golden: readonly Golden[]): Promise<Result<SelfTestReport>> {
  let positions = 0;
  let agreeing = 0;
  let gross = 0;
  let worstMargin = 0;
  let promptsAgree = true;
  for (const { question, promptIds, ids } of golden) {
    const prompt = await model.encodePrompt([{ role: 'user', text: question }]);
    if (!prompt.ok) return prompt;
    promptsAgree &&= prompt.value.length === promptIds.length && prompt.value.every((id, at) => id === promptIds[at]);
    const scores = await model.score(promptIds, ids);
    if (!scores.ok) return scores;
    for (const { rank, margin } of scores.value) {
      positions += 1;
      if (rank === 0) agreeing += 1;
      if (margin > GROSS_MARGIN) gross += 1;
      worstMargin = Math.max(worstMargin, margin);
    }
  }
  const passed =
    promptsAgree &&
    agreeing >= LEAST_AGREEMENT * positions &&
    gross <= Math.max(GROSS_ALLOWED, MOST_GROSS_SHARE * positions);
  return ok({ passed, positions, agreeing, gross, worstMargin, promptsAgree });
}
