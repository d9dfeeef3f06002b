import { defineCapability } from '#core/bus/capability';
import { checkInputSchema, checkOutputSchema, type CheckInput, type CheckOutput } from '../check-redo/contract';

/**
 * Checks a language model's answer by one teacher-forced pass over prompt and claimed tokens with the same model: each
 * claimed token must be the one that the model's decision rule would have chosen (within `MARGIN_TOLERANCE`), the end of the text
 * and the length must hold, and the text must be what the ids decode to.
 */
export const checkRescore = defineCapability<CheckInput, CheckOutput>({
  id: 'check.rescore@1',
  input: checkInputSchema,
  output: checkOutputSchema,
  trust: 'member',
  timeoutMs: 3_000,
});

/**
 * Largest logit distance between the model's choice and a claimed token that still passes. Between backends (WASM,
 * WebGPU) logits of the same small model differ by a few millionths, a forged token stands several units away; near-ties below this are
 * decided either way by rounding and prove nothing.
 */
export const MARGIN_TOLERANCE = 0.02;
