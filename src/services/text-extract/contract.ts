import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { MAX_ANSWER_CHARACTERS, MAX_ANSWER_VALUES, MAX_SCHEMA_CHARACTERS } from '#core/experts/objective/answer-limits';
import { workSignSchema, type WorkSign } from '#core/experts/objective/work-sign';
import { chatModelSchema, MAX_OUTPUT_TOKENS } from '../llm-chat/contract';

const MAX_TEXT_CHARACTERS = 16_000;
const MAX_INSTRUCTION_CHARACTERS = 1_000;

export const extractInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TEXT_CHARACTERS)),
  /** What is looked for, in words. */
  instruction: v.pipe(v.string(), v.maxLength(MAX_INSTRUCTION_CHARACTERS)),
  /** JSON schema of the answer as text, of the keywords in docs/spec/objective-checks.md. */
  schema: v.pipe(v.string(), v.maxLength(MAX_SCHEMA_CHARACTERS)),
  maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_OUTPUT_TOKENS)),
});

const offsetSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TEXT_CHARACTERS));

export const extractOutputSchema = v.strictObject({
  model: chatModelSchema,
  /** JSON text that fits the schema. Every text in it, names of fields left out, is a quote. */
  answer: v.pipe(v.string(), v.maxLength(MAX_ANSWER_CHARACTERS)),
  /** Where each quote stands, in the order of the answer: code points of the text, the end not included. */
  spans: v.pipe(v.array(v.strictObject({ start: offsetSchema, end: offsetSchema })), v.maxLength(MAX_ANSWER_VALUES)),
});

export type ExtractInput = v.InferOutput<typeof extractInputSchema>;
export type ExtractOutput = v.InferOutput<typeof extractOutputSchema>;

/** Answers in JSON with quotes from a text. */
export const textExtract = defineCapability<ExtractInput, ExtractOutput, WorkSign>({
  id: 'text.extract@1',
  input: extractInputSchema,
  output: extractOutputSchema,
  chunk: workSignSchema,
  trust: 'member',
  timeoutMs: 120_000,
});
