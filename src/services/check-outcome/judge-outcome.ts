import type { Result } from '#core/base/result';
import type { LanguageModel } from '#core/engines/language-model';
import type { Sandbox } from '#core/engines/sandbox';
import { judgePatch, runBefore } from '#core/experts/objective/code-check';
import { checkQuotes } from '#core/experts/objective/extraction-check';
import { checkStructured } from '#core/experts/objective/schema-check';
import { agrees, scoreLabels, type LabelQuestion, type LabelScores } from '#core/experts/objective/score-labels';
import { accepted, rejected, undecided, type Judgement } from '#core/experts/validators/open-claim';
import { checkAgainst, type Schema } from '#core/wire/gate';
import { codePatch, type CodePatchInput, type CodePatchOutput } from '../code-patch/contract';
import { classifyQuestion, textClassify, type ClassifyInput, type ClassifyOutput } from '../text-classify/contract';
import { textExtract, type ExtractInput, type ExtractOutput } from '../text-extract/contract';
import { judgeQuestions, preferenceOf, textJudge, type JudgeInput, type JudgeOutput } from '../text-judge/contract';

export interface OutcomeDeps {
  readonly sandbox: Sandbox;
  /** A model that is loaded here, by id; a failure when this node does not have it. */
  readonly model: (id: string) => Promise<Result<LanguageModel>>;
}

/** What honest graphics processors of one class differ by is not measured yet, so nobody is punished: see judge-rescore. */
const RECORDED_ONLY = /\/webgpu$/;

type Judge<Input, Output> = (
  deps: OutcomeDeps,
  input: Input,
  output: Output,
  signal: AbortSignal,
) => Promise<Judgement>;

async function judgeCodePatch(
  { sandbox }: OutcomeDeps,
  { brief }: CodePatchInput,
  { diff }: CodePatchOutput,
  signal: AbortSignal,
): Promise<Judgement> {
  const before = await runBefore(brief, sandbox, signal);
  if (!before.ok)
    return before.error.code === 'nothing_to_fix' ? rejected('nothing_to_fix') : undecided(before.error.code);
  const found = await judgePatch(brief, before.value, diff, sandbox, signal);
  if (!found.ok) return undecided(found.error.code);
  return found.value.accepted ? accepted : rejected(found.value.reason);
}

async function judgeExtract(
  _deps: OutcomeDeps,
  { text, schema }: ExtractInput,
  { answer, spans }: ExtractOutput,
): Promise<Judgement> {
  const value = checkStructured(schema, answer);
  if (!value.ok) return rejected(value.error.code);
  const quoted = checkQuotes(text, value.value, spans);
  return quoted.ok ? accepted : rejected(quoted.error.code);
}

/** Scores the same labels with the same model and holds them against what is claimed, question by question. */
async function judgeScores(
  { model: findModel }: OutcomeDeps,
  claimed: { readonly id: string; readonly hash: string; readonly engine: string },
  askedFor: string | undefined,
  questions: readonly (readonly [LabelQuestion, LabelScores])[],
  signal: AbortSignal,
): Promise<Judgement> {
  if (askedFor !== undefined && askedFor !== claimed.id) return rejected('model_mismatch');
  const model = await findModel(claimed.id);
  if (!model.ok || model.value.identity.hash !== claimed.hash) return undecided('other_model');
  if (model.value.identity.engine !== claimed.engine) return undecided('other_engine');
  const wrong = RECORDED_ONLY.test(claimed.engine) ? undecided('recorded_only') : rejected('score_mismatch');
  for (const [question, claim] of questions) {
    const found = await scoreLabels(model.value, question, signal);
    if (!found.ok) return found.error.code === 'no_label' ? wrong : undecided('engine_failed');
    if (!agrees(claim, found.value)) return wrong;
  }
  return accepted;
}

const judgeClassify: Judge<ClassifyInput, ClassifyOutput> = (deps, input, output, signal) => {
  const best = input.labels.findIndex(({ label }) => label === output.label);
  if (best === -1) return Promise.resolve(rejected('unknown_label'));
  const claim = { milli: output.scoresMilli, best };
  return judgeScores(deps, output.model, input.model, [[classifyQuestion(input), claim]], signal);
};

const judgeJudge: Judge<JudgeInput, JudgeOutput> = (deps, input, output, signal) => {
  if (preferenceOf(output.orders) !== output.preference) return Promise.resolve(rejected('preference_mismatch'));
  const [given, swapped] = judgeQuestions(input);
  const claimOf = ({ better, scoresMilli }: JudgeOutput['orders'][number]): LabelScores => ({
    milli: scoresMilli,
    best: better === 'A' ? 0 : 1,
  });
  const questions = [
    [given, claimOf(output.orders[0])],
    [swapped, claimOf(output.orders[1])],
  ] as const;
  return judgeScores(deps, output.model, input.model, questions, signal);
};

type Judged = (deps: OutcomeDeps, input: unknown, output: unknown, signal: AbortSignal) => Promise<Judgement>;

/** A judge for claims that still have to pass the contract: the requester checked them, but may lie about it. */
const judged =
  <Input, Output>(
    { input: inputSchema, output: outputSchema }: { readonly input: Schema<Input>; readonly output: Schema<Output> },
    judge: Judge<Input, Output>,
  ): Judged =>
  async (deps, rawInput, rawOutput, signal) => {
    const input = checkAgainst(inputSchema, rawInput);
    const output = checkAgainst(outputSchema, rawOutput);
    return input.ok && output.ok ? judge(deps, input.value, output.value, signal) : rejected('malformed_claim');
  };

const judges: ReadonlyMap<string, Judged> = new Map([
  [codePatch.id, judged(codePatch, judgeCodePatch)],
  [textExtract.id, judged(textExtract, judgeExtract)],
  [textClassify.id, judged(textClassify, judgeClassify)],
  [textJudge.id, judged(textJudge, judgeJudge)],
]);

/** Whether the outcome of this work holds; undecided where this node cannot tell. */
export async function judgeOutcome(
  deps: OutcomeDeps,
  capability: string,
  input: unknown,
  output: unknown,
  signal: AbortSignal,
): Promise<Judgement> {
  const judge = judges.get(capability);
  return judge === undefined ? undecided('unsupported') : judge(deps, input, output, signal);
}
