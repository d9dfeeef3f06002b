import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { scoreLabels, type LabelScores } from '#core/experts/objective/score-labels';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import { judgeQuestions, preferenceOf, type JudgeInput, type JudgeOutput } from './contract';

export interface JudgeHandlerOptions {
  readonly clock: Clock;
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
}

const orderOf = ({ milli, best }: LabelScores): JudgeOutput['orders'][number] => ({
  better: best === 0 ? 'A' : 'B',
  scoresMilli: milli === null ? null : [milli[0]!, milli[1]!],
});

/** `text.judge@1` over a loaded model. Codes: those of the model, `no_label`, `cancelled`. */
export const createJudgeHandler =
  ({ clock, model: findModel }: JudgeHandlerOptions): Handler<JudgeInput, JudgeOutput, WorkSign> =>
  (input, { signal, emit }) =>
    withSigns(clock, emit, async () => {
      const model = await findModel(input.model);
      if (!model.ok) return model;
      const [given, swapped] = judgeQuestions(input);
      const first = await scoreLabels(model.value, given, signal);
      if (!first.ok) return first;
      const second = await scoreLabels(model.value, swapped, signal);
      if (!second.ok) return second;
      const { id, hash, engine } = model.value.identity;
      const orders: JudgeOutput['orders'] = [orderOf(first.value), orderOf(second.value)];
      return ok({ model: { id, hash, engine }, preference: preferenceOf(orders), orders });
    });
