import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import type { LabelQuestion } from '#core/experts/objective/score-labels';
import { workSignSchema, type WorkSign } from '#core/experts/objective/work-sign';
import { chatModelSchema } from '../llm-chat/contract';
import { scoreMilliSchema } from '../text-classify/contract';

export const MAX_QUESTION_CHARACTERS = 4_000;
/** As long as an answer may be: any two can be held against each other. */
const MAX_TEXT_CHARACTERS = 16_384;

const textSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEXT_CHARACTERS));

export const judgeInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  /** What both texts answer. */
  question: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_QUESTION_CHARACTERS)),
  first: textSchema,
  second: textSchema,
});

const preferenceSchema = v.picklist(['first', 'second', 'tie']);

/** One order in which the texts were shown, as A and B. */
const orderSchema = v.strictObject({
  better: v.picklist(['A', 'B']),
  /** How A and B scored, in thousandths; null when the model could only be asked to write one. */
  scoresMilli: v.nullable(v.tuple([scoreMilliSchema, scoreMilliSchema])),
});

export const judgeOutputSchema = v.strictObject({
  model: chatModelSchema,
  preference: preferenceSchema,
  /** First as A, then second as A. */
  orders: v.tuple([orderSchema, orderSchema]),
});

export type JudgeInput = v.InferOutput<typeof judgeInputSchema>;
export type JudgeOutput = v.InferOutput<typeof judgeOutputSchema>;

/** Says which of two texts answers a question better, having looked at them in both orders. */
export const textJudge = defineCapability<JudgeInput, JudgeOutput, WorkSign>({
  id: 'text.judge@1',
  input: judgeInputSchema,
  output: judgeOutputSchema,
  chunk: workSignSchema,
  trust: 'member',
  timeoutMs: 60_000,
});

/** The two questions as every executor and every validator puts them to a model: the texts in both orders. */
export function judgeQuestions({ question, first, second }: JudgeInput): readonly [LabelQuestion, LabelQuestion] {
  const ask = (a: string, b: string): LabelQuestion => ({
    messages: [
      {
        role: 'user',
        text: `Which answer is better?\n\nQuestion:\n"""\n${question}\n"""\n\nAnswer A:\n"""\n${a}\n"""\n\nAnswer B:\n"""\n${b}\n"""\n\nReply with A or B only.`,
      },
    ],
    labels: ['A', 'B'],
  });
  return [ask(first, second), ask(second, first)];
}

/** A text is better when it is so in both orders; a judge that follows the place and not the text gives a tie. */
export function preferenceOf([shownFirst, shownSecond]: JudgeOutput['orders']): JudgeOutput['preference'] {
  if (shownFirst.better === shownSecond.better) return 'tie';
  return shownFirst.better === 'A' ? 'first' : 'second';
}
