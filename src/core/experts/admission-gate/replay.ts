import * as v from 'valibot';
import { ok, type Result } from '../../base/result';
import type { LanguageModel } from '../../engines/language-model';
import { sha256HexSchema } from '../../engines/model-manifest';
import { MAX_EVALUATED_TOKENS, MAX_ITEMS, traceDigest, type EvaluationResult } from './evaluation-set';

/** A token that loses by more than this is no rounding; as in the self-test. */
const GROSS_MARGIN = 0.5;
/** Of a set's answers, every eighth is read again: the cost of an eighth, and a record that was made up shows at once. */
const EVERY = 8;

const count = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most));

/** What came of reading the answers of an evaluation again. */
export const replaySchema = v.strictObject({
  /** The trace digest that the answers themselves give. */
  trace: sha256HexSchema,
  items: count(MAX_ITEMS),
  positions: count(MAX_ITEMS * MAX_EVALUATED_TOKENS),
  /** Positions at which the model chooses the recorded token. */
  agreeing: count(MAX_ITEMS * MAX_EVALUATED_TOKENS),
  gross: count(MAX_ITEMS * MAX_EVALUATED_TOKENS),
});
export type Replay = v.InferOutput<typeof replaySchema>;

/**
 * Replays a recorded evaluation by teacher forcing: every eighth answer, one pass each, is held against the model. Whoever has the same
 * model on the same engine and backend can do it. Codes of the model.
 */
export async function replayEvaluation(model: LanguageModel, recorded: EvaluationResult): Promise<Result<Replay>> {
  let items = 0;
  let positions = 0;
  let agreeing = 0;
  let gross = 0;
  for (let at = 0; at < recorded.items.length; at += EVERY) {
    const { question, ids } = recorded.items[at]!;
    const prompt = await model.encodePrompt([{ role: 'user', text: question }]);
    if (!prompt.ok) return prompt;
    const scores = await model.score(prompt.value, ids);
    if (!scores.ok) return scores;
    items += 1;
    for (const { rank, margin } of scores.value) {
      positions += 1;
      if (rank === 0) agreeing += 1;
      if (margin > GROSS_MARGIN) gross += 1;
    }
  }
  return ok({ trace: traceDigest(recorded), items, positions, agreeing, gross });
}
