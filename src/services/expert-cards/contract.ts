import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { expertPapersSchema, type ExpertPapers } from '#core/experts/expert-card';

/** What a node shows of the experts that it holds and of those that it evaluated, all signed by itself. */
export const expertCards = defineCapability<Record<string, never>, ExpertPapers>({
  id: 'expert.cards@1',
  input: v.strictObject({}) as never,
  output: expertPapersSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
