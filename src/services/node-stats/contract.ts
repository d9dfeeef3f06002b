import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const statsOutputSchema = v.strictObject({
  callsMade: count,
  callsServed: count,
  refused: v.record(v.pipe(v.string(), v.maxLength(64)), count),
  serving: count,
  links: count,
});
export type StatsOutput = v.InferOutput<typeof statsOutputSchema>;

/** Counters of a node's bus since it started. */
export const nodeStats = defineCapability<Record<string, never>, StatsOutput>({
  id: 'node.stats@1',
  input: v.strictObject({}) as never,
  output: statsOutputSchema,
  trust: 'member',
  timeoutMs: 3_000,
});
