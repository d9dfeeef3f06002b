import * as v from 'valibot';

/** One judged answer, as it is written down: a line of the results. */
export const rowSchema = v.strictObject({
  condition: v.string(),
  index: v.number(),
  /** Tokens of the answer. */
  tokens: v.number(),
  verdict: v.picklist(['accepted', 'rejected', 'undecided']),
  reason: v.string(),
  /** Position, margin and rank of every token that has a margin; null where nothing was scored. */
  misses: v.nullable(v.array(v.tuple([v.number(), v.number(), v.number()]))),
  /** Of honest answers, which others are made from. */
  answer: v.optional(
    v.strictObject({
      promptIds: v.array(v.number()),
      ids: v.array(v.number()),
      finish: v.picklist(['stop', 'length']),
    }),
  ),
});

export type Row = v.InferOutput<typeof rowSchema>;
