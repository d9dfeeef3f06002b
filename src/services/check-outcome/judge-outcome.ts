import type * as v from 'valibot';
import type { Result } from '#core/base/result';
import type { EmbeddingModel } from '#core/engines/embedding-model';
import type { LanguageModel, ModelIdentity } from '#core/engines/language-model';
import type { RerankModel } from '#core/engines/rerank-model';
import type { Sandbox } from '#core/engines/sandbox';
import { judgePatch, refusedUnseen, runBefore } from '#core/experts/objective/code-check';
import { rankingAgrees, vectorsAgree } from '#core/experts/objective/encoder-check';
import { checkQuotes } from '#core/experts/objective/extraction-check';
import { checkStructured } from '#core/experts/objective/schema-check';
import { agrees, scoreLabels, type LabelQuestion, type LabelScores } from '#core/experts/objective/score-labels';
import { accepted, rejected, undecided, type Judgement } from '#core/experts/validators/open-claim';
import type { Commitment } from '#core/ledger/statements';
import { checkAgainst, type Schema } from '#core/wire/gate';
import type { chatModelSchema } from '../llm-chat/contract';
import { codePatch, type CodePatchInput, type CodePatchOutput } from '../code-patch/contract';
import { classifyQuestion, textClassify, type ClassifyInput, type ClassifyOutput } from '../text-classify/contract';
import { embedTexts, type EmbedInput, type EmbedOutput } from '../embed-texts/contract';
import { rerankPassages, type RerankInput, type RerankOutput } from '../rerank-passages/contract';
import {
  AUDIT_VERDICTS,
  auditQuestion,
  textAudit,
  type AuditedJob,
  type AuditInput,
  type AuditOutput,
} from '../text-audit/contract';
import { textExtract, type ExtractInput, type ExtractOutput } from '../text-extract/contract';
import { judgeQuestions, preferenceOf, textJudge, type JudgeInput, type JudgeOutput } from '../text-judge/contract';

export interface OutcomeDeps {
  readonly sandbox: Sandbox;
  /** A model that is loaded here, by id; a failure when this node does not have it. */
  readonly model: (id: string) => Promise<Result<LanguageModel>>;
  /** The models that this node serves beside it, by id; a failure when it serves another one or none. */
  readonly embedder: (id: string) => Promise<Result<EmbeddingModel>>;
  readonly reranker: (id: string) => Promise<Result<RerankModel>>;
}

/** What honest graphics processors of one class differ by is not measured yet, so nobody is punished: see judge-rescore. */
const RECORDED_ONLY = /\/webgpu$/;

type Judge<Input, Output> = (
  deps: OutcomeDeps,
  input: Input,
  output: Output,
  signal: AbortSignal,
  job: AuditedJob,
) => Promise<Judgement>;

type ClaimedModel = v.InferOutput<typeof chatModelSchema>;

/** The claimed model as this node has it, or why it cannot tell: numbers of another model or another engine do not compare. */
async function comparable<M extends { readonly identity: ModelIdentity }>(
  find: (id: string) => Promise<Result<M>>,
  claimed: ClaimedModel,
  askedFor: string | undefined,
): Promise<{ readonly model: M } | Judgement> {
  if (askedFor !== undefined && askedFor !== claimed.id) return rejected('model_mismatch');
  const model = await find(claimed.id);
  if (!model.ok || model.value.identity.hash !== claimed.hash) return undecided('other_model');
  return model.value.identity.engine === claimed.engine ? { model: model.value } : undecided('other_engine');
}

/** Failures that the model itself gives for this input: whoever claims an answer to it lies. */
const NO_ANSWER: ReadonlySet<string> = new Set(['no_label', 'prompt_too_long', 'text_empty', 'query_too_long']);

/** What a difference means on this engine. */
const differs = ({ engine }: ClaimedModel, reason: string): Judgement =>
  RECORDED_ONLY.test(engine) ? undecided('recorded_only') : rejected(reason);

async function judgeCodePatch(
  { sandbox }: OutcomeDeps,
  { brief }: CodePatchInput,
  { diff }: CodePatchOutput,
  signal: AbortSignal,
): Promise<Judgement> {
  // Nothing runs for a patch that goes beyond what it may do.
  const unseen = refusedUnseen(brief, diff);
  if (unseen !== null) return rejected(unseen.reason);
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
  claimed: ClaimedModel,
  askedFor: string | undefined,
  questions: readonly (readonly [LabelQuestion, LabelScores])[],
  signal: AbortSignal,
): Promise<Judgement> {
  const held = await comparable(findModel, claimed, askedFor);
  if (!('model' in held)) return held;
  const wrong = differs(claimed, 'score_mismatch');
  for (const [question, claim] of questions) {
    const found = await scoreLabels(held.model, question, signal);
    if (!found.ok) return NO_ANSWER.has(found.error.code) ? wrong : undecided('engine_failed');
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

const judgeAudit: Judge<AuditInput, AuditOutput> = (deps, input, { model, verdict, scoresMilli }, signal, job) => {
  const claim = { milli: scoresMilli, best: AUDIT_VERDICTS.indexOf(verdict) };
  return judgeScores(deps, model, input.model, [[auditQuestion(input, job), claim]], signal);
};

async function judgeEmbed(
  { embedder }: OutcomeDeps,
  { model: askedFor, texts }: EmbedInput,
  { model: claimed, vectors }: EmbedOutput,
  signal: AbortSignal,
): Promise<Judgement> {
  if (vectors.length !== texts.length) return rejected('vectors_missing');
  const held = await comparable(embedder, claimed, askedFor);
  if (!('model' in held)) return held;
  const wrong = differs(claimed, 'vector_mismatch');
  const found = await held.model.embed(texts, signal);
  if (!found.ok) return NO_ANSWER.has(found.error.code) ? wrong : undecided('engine_failed');
  return vectorsAgree(vectors, found.value) ? accepted : wrong;
}

async function judgeRerank(
  { reranker }: OutcomeDeps,
  { model: askedFor, query, passages }: RerankInput,
  { model: claimed, ...ranking }: RerankOutput,
  signal: AbortSignal,
): Promise<Judgement> {
  if (ranking.scoresMilli.length !== passages.length) return rejected('scores_missing');
  const held = await comparable(reranker, claimed, askedFor);
  if (!('model' in held)) return held;
  const wrong = differs(claimed, 'score_mismatch');
  const found = await held.model.rank(query, passages, signal);
  if (!found.ok) return NO_ANSWER.has(found.error.code) ? wrong : undecided('engine_failed');
  return rankingAgrees(ranking, found.value) ? accepted : wrong;
}

type Judged = (
  deps: OutcomeDeps,
  input: unknown,
  output: unknown,
  signal: AbortSignal,
  job: AuditedJob,
) => Promise<Judgement>;

/** A judge for claims that still have to pass the contract: the requester checked them, but may lie about it. */
const judged =
  <Input, Output>(
    { input: inputSchema, output: outputSchema }: { readonly input: Schema<Input>; readonly output: Schema<Output> },
    judge: Judge<Input, Output>,
  ): Judged =>
  async (deps, rawInput, rawOutput, signal, job) => {
    const input = checkAgainst(inputSchema, rawInput);
    const output = checkAgainst(outputSchema, rawOutput);
    return input.ok && output.ok ? judge(deps, input.value, output.value, signal, job) : rejected('malformed_claim');
  };

const judges: ReadonlyMap<string, Judged> = new Map([
  [codePatch.id, judged(codePatch, judgeCodePatch)],
  [textExtract.id, judged(textExtract, judgeExtract)],
  [textClassify.id, judged(textClassify, judgeClassify)],
  [textJudge.id, judged(textJudge, judgeJudge)],
  [textAudit.id, judged(textAudit, judgeAudit)],
  [embedTexts.id, judged(embedTexts, judgeEmbed)],
  [rerankPassages.id, judged(rerankPassages, judgeRerank)],
]);

/** Whether the outcome of this work holds; undecided where this node cannot tell. */
export async function judgeOutcome(
  deps: OutcomeDeps,
  { capability, jobId, executor }: Commitment,
  input: unknown,
  output: unknown,
  signal: AbortSignal,
): Promise<Judgement> {
  const judge = judges.get(capability);
  return judge === undefined ? undecided('unsupported') : judge(deps, input, output, signal, { jobId, executor });
}
