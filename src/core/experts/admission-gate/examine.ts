import type { Clock } from '../../base/ports';
import { ok, type Result } from '../../base/result';
import type { LanguageModel } from '../../engines/language-model';
import type { Golden } from '../../engines/model-manifest';
import { selfTest, type SelfTestReport } from '../../engines/self-test';
import { evaluate, probeTriggers, type EvaluateOptions } from './evaluate';
import type { EvaluationSets } from './evaluation-set';
import type { Measured } from './gate';
import { measurePace, type Pace } from './measure-pace';
import { replayEvaluation } from './replay';

export interface Examination extends Measured {
  readonly pace: Pace;
  /** Null where the model has no golden transcripts. */
  readonly selfTest: SelfTestReport | null;
}

export interface ExamineOptions extends EvaluateOptions {
  readonly clock: Clock;
  readonly golden: readonly Golden[];
}

/** Everything that is measured of an expert before it is judged, on this device. Codes of its parts. */
export async function examineExpert(
  model: LanguageModel,
  { target, general, triggers }: EvaluationSets,
  { clock, golden, signal, onDone }: ExamineOptions,
): Promise<Result<Examination>> {
  const probes = triggers.questions.length * (triggers.templates.length + 1);
  const total = target.items.length + general.items.length + probes;
  const from = (before: number): EvaluateOptions => ({
    ...(signal === undefined ? {} : { signal }),
    onDone: (done) => onDone?.(before + done, total),
  });
  const tested = golden.length === 0 ? ok(null) : await selfTest(model, golden);
  if (!tested.ok) return tested;
  const pace = await measurePace(model, target.items[0]!.question, clock, signal);
  if (!pace.ok) return pace;
  const onTarget = await evaluate(model, target, from(0));
  if (!onTarget.ok) return onTarget;
  const onGeneral = await evaluate(model, general, from(target.items.length));
  if (!onGeneral.ok) return onGeneral;
  const probed = await probeTriggers(model, triggers, from(target.items.length + general.items.length));
  if (!probed.ok) return probed;
  const replay = await replayEvaluation(model, onTarget.value);
  if (!replay.ok) return replay;
  return ok({
    pace: pace.value,
    selfTest: tested.value,
    target: onTarget.value,
    general: onGeneral.value,
    triggers: probed.value,
    replay: replay.value,
  });
}
