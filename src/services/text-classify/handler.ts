import type { Handler } from '#core/bus/capability';
import type { Clock } from '#core/base/ports';
import { ok, type Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import { scoreLabels } from '#core/experts/objective/score-labels';
import { withSigns, type WorkSign } from '#core/experts/objective/work-sign';
import { classifyQuestion, type ClassifyInput, type ClassifyOutput } from './contract';

export interface ClassifyHandlerOptions {
  readonly clock: Clock;
  /** The loaded model, by id; without an id whichever this node has. */
  readonly model: (id?: string) => Promise<Result<LanguageModel>>;
}

/** `text.classify@1` over a loaded model. Codes: those of the model, `no_label`, `cancelled`. */
export const createClassifyHandler =
  ({ clock, model: findModel }: ClassifyHandlerOptions): Handler<ClassifyInput, ClassifyOutput, WorkSign> =>
  (input, { signal, emit }) =>
    withSigns(clock, emit, async () => {
      const model = await findModel(input.model);
      if (!model.ok) return model;
      const scores = await scoreLabels(model.value, classifyQuestion(input), signal);
      if (!scores.ok) return scores;
      const { id, hash, engine } = model.value.identity;
      const { best, milli } = scores.value;
      return ok({
        model: { id, hash, engine },
        label: input.labels[best]!.label,
        scoresMilli: milli === null ? null : [...milli],
      });
    });
