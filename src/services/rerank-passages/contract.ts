import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { workSignSchema, type WorkSign } from '#core/experts/objective/work-sign';
import { readTextsSchema } from '../embed-texts/contract';
import { chatModelSchema } from '../llm-chat/contract';

export const MAX_PASSAGES = 64;
/** What leaves room for a passage in the models of this kind. */
const MAX_QUERY_CHARACTERS = 1_000;

export const rerankInputSchema = v.strictObject({
  /** Model id; absent: whichever the provider has. */
  model: v.optional(v.pipe(v.string(), v.maxLength(64))),
  query: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_QUERY_CHARACTERS)),
  passages: readTextsSchema(MAX_PASSAGES),
});

const placeSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_PASSAGES - 1));

export const rerankOutputSchema = v.pipe(
  v.strictObject({
    model: chatModelSchema,
    /** Relevance of each passage in thousandths, 0 to 1,000, in the order asked. Comparable under one query only. */
    scoresMilli: v.pipe(
      v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000))),
      v.maxLength(MAX_PASSAGES),
    ),
    /** Places in the list asked, the most relevant first: finer than the scores, which round. */
    order: v.pipe(
      v.array(placeSchema),
      v.maxLength(MAX_PASSAGES),
      v.check((order) => new Set(order).size === order.length, 'a passage twice'),
    ),
    /** Places of the passages whose end was left out, ascending. */
    truncated: v.pipe(
      v.array(placeSchema),
      v.maxLength(MAX_PASSAGES),
      v.check((places) => places.every((place, at) => at === 0 || places[at - 1]! < place), 'not ascending'),
    ),
  }),
  v.check(
    ({ scoresMilli, order }) =>
      order.length === scoresMilli.length && order.every((place) => place < scoresMilli.length),
    'not an order of the passages',
  ),
  v.check(
    ({ scoresMilli, order }) =>
      order.every((place, at) => at === 0 || scoresMilli[order[at - 1]!]! >= scoresMilli[place]!),
    'an order that the scores do not have',
  ),
);

export type RerankInput = v.InferOutput<typeof rerankInputSchema>;
export type RerankOutput = v.InferOutput<typeof rerankOutputSchema>;

/** Says how much each passage has to do with a query, having read both together. */
export const rerankPassages = defineCapability<RerankInput, RerankOutput, WorkSign>({
  id: 'rerank.passages@1',
  input: rerankInputSchema,
  output: rerankOutputSchema,
  chunk: workSignSchema,
  trust: 'member',
  timeoutMs: 60_000,
});
