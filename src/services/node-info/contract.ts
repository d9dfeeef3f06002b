import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { cardSchema } from '#core/bus/messages';

export const infoOutputSchema = v.strictObject({
  version: v.pipe(v.string(), v.maxLength(32)),
  card: v.omit(cardSchema, ['seq']),
});
export type InfoOutput = v.InferOutput<typeof infoOutputSchema>;

/** What a node is and offers right now, asked for rather than waited for. */
export const nodeInfo = defineCapability<Record<string, never>, InfoOutput>({
  id: 'node.info@1',
  input: v.strictObject({}) as never,
  output: infoOutputSchema,
  trust: 'member',
  timeoutMs: 3_000,
});
