import { fail, ok, type Result } from '#core/base/result';

/** The evaluation sets of an expert, fetched when somebody evaluates it; unchecked. Codes `no_evaluation`, `offline`. */
export async function loadEvaluationSets(modelId: string): Promise<Result<unknown>> {
  if (modelId !== 'spark-1')
    return fail('no_evaluation', 'There are no questions yet that this model could be evaluated with.');
  try {
    const [target, general, triggers] = await Promise.all([
      import('../../workers/models/spark/evaluation/target.json'),
      import('../../workers/models/spark/evaluation/general.json'),
      import('../../workers/models/spark/evaluation/triggers.json'),
    ]);
    return ok({
      target: target.default,
      general: general.default,
      triggers: triggers.default,
    });
  } catch {
    return fail('offline', 'The questions of the evaluation could not be fetched; try again with a connection.');
  }
}
