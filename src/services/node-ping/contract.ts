import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';

export const pingInputSchema = v.strictObject({ echo: v.optional(v.pipe(v.string(), v.maxLength(64))) });
export const pingOutputSchema = v.strictObject({
  echo: v.nullable(v.string()),
  at: v.pipe(v.number(), v.safeInteger()),
});

/** Whether a node's bus answers: gives back `echo` and the node's own time in epoch milliseconds. */
export const nodePing = defineCapability<v.InferOutput<typeof pingInputSchema>, v.InferOutput<typeof pingOutputSchema>>(
  {
    id: 'node.ping@1',
    input: pingInputSchema,
    output: pingOutputSchema,
    trust: 'member',
    timeoutMs: 3_000,
  },
);
