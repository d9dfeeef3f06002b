import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import type { LabelQuestion } from '#core/experts/objective/score-labels';
import { workSignSchema, type WorkSign } from '#core/experts/objective/work-sign';
import { chatModelSchema } from '../llm-chat/contract';

const MAX_TEXT_CHARACTERS = 8_000;
const MAX_LABELS = 16;
const MAX_LABEL_CHARACTERS = 40;
const MAX_HINT_CHARACTERS = 200;

/** One line of plain characters: it stands in a list in the prompt. */
const labelSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_LABEL_CHARACTERS),
  v.regex(/^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u, 'not a label'),
);

export const classifyInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEXT_CHARACTERS)),
  labels: v.pipe(
    v.array(
      v.strictObject({
        label: labelSchema,
        /** What belongs under it. */
        hint: v.optional(v.pipe(v.string(), v.maxLength(MAX_HINT_CHARACTERS))),
      }),
    ),
    v.minLength(2),
    v.maxLength(MAX_LABELS),
    v.check(
      (labels) => new Set(labels.map(({ label }) => label.toLowerCase())).size === labels.length,
      'a label twice',
    ),
  ),
});

export const scoreMilliSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(-1e12), v.maxValue(1e12));

export const classifyOutputSchema = v.strictObject({
  model: chatModelSchema,
  label: labelSchema,
  /** How each label scored, in the order asked, in thousandths; null when the model could only be asked to write one. */
  scoresMilli: v.nullable(v.pipe(v.array(scoreMilliSchema), v.maxLength(MAX_LABELS))),
});

export type ClassifyInput = v.InferOutput<typeof classifyInputSchema>;
export type ClassifyOutput = v.InferOutput<typeof classifyOutputSchema>;

/** Gives a text one of several labels. */
export const textClassify = defineCapability<ClassifyInput, ClassifyOutput, WorkSign>({
  id: 'text.classify@1',
  input: classifyInputSchema,
  output: classifyOutputSchema,
  chunk: workSignSchema,
  trust: 'member',
  timeoutMs: 60_000,
});

/** The question as every executor and every validator puts it to a model. */
export function classifyQuestion({ text, labels }: ClassifyInput): LabelQuestion {
  const list = labels.map(({ label, hint }) => (hint === undefined ? `- ${label}` : `- ${label}: ${hint}`)).join('\n');
  const about = (what: string) => [
    {
      role: 'user' as const,
      text: `Which label fits the text best?\n\nLabels:\n${list}\n\nText:\n"""\n${what}\n"""\n\nAnswer with the label only.`,
    },
  ];
  return { messages: about(text), baseline: about('N/A'), labels: labels.map(({ label }) => label) };
}
