import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { payloadSchema } from '#core/jobs/batch/payload';

export const echoOutputSchema = v.string();

export type EchoOutput = v.InferOutput<typeof echoOutputSchema>;

/** Gives the payload's `message` back. Without one the output is the empty text, which no validator accepts. */
export const echo = defineCapability<unknown, EchoOutput>({
  id: 'echo@1',
  input: payloadSchema,
  output: echoOutputSchema,
  trust: 'member',
  timeoutMs: 10_000,
});

/** Units for a valid output. */
export const echoUnits = (): number => 1;

export const echoText = (output: EchoOutput): string => output;
