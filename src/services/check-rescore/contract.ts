import { defineCapability } from '#core/bus/capability';
import { checkInputSchema, checkOutputSchema, type CheckInput, type CheckOutput } from '../check-redo/contract';

/**
 * Checks a language model's answer by one teacher-forced pass over prompt and claimed tokens with the same model on the same
 * engine: the margins at drawn positions must be those of an honest device (docs/spec/checking.md), the end of the text and
 * the length must hold, and the text must be what the ids decode to.
 */
export const checkRescore = defineCapability<CheckInput, CheckOutput>({
  id: 'check.rescore@1',
  input: checkInputSchema,
  output: checkOutputSchema,
  trust: 'member',
  timeoutMs: 3_000,
});

/**
 * Largest logit distance between the model's choice and a token that an expert still continues from. Between backends
 * (WASM, WebGPU) logits of the same small model differ by a few millionths, a forged token stands several units away;
 * near-ties below this are decided either way by rounding.
 */
export const MARGIN_TOLERANCE = 0.02;
