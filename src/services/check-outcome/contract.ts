import { defineCapability } from '#core/bus/capability';
import { checkInputSchema, checkOutputSchema, type CheckInput, type CheckOutput } from '../check-redo/contract';

/**
 * Checks an answer by what it must come to, whatever made it: a patch by its tests, a structured answer by its schema and the
 * source that it quotes, a label, a preference or an audit by scoring it again with the same model, vectors and relevances by
 * computing them again.
 */
export const checkOutcome = defineCapability<CheckInput, CheckOutput>({
  id: 'check.outcome@1',
  input: checkInputSchema,
  output: checkOutputSchema,
  trust: 'member',
  // Two runs of tests, each with its own deadline, and one that waits before them.
  timeoutMs: 60_000,
});
