import * as v from 'valibot';
import { defineCapability } from '#core/bus/capability';
import { idSchema } from '#core/base/ids';
import { saltSchema } from '#core/ledger/statements';
import { bytesSchema } from '#core/wire/gate';
import { signedSchema } from '#core/wire/signed';

/** As many tokens as an answer may have. */
const MAX_LOOKED_AT = 1_024;

export const checkRevealInputSchema = v.strictObject({ jobId: idSchema });

export const checkRevealOutputSchema = v.strictObject({
  /** The validator's signed verdict (`verdictSchema` in core/ledger/statements). */
  verdict: signedSchema,
  salt: saltSchema,
  /** One margin byte per position looked at; null where the check looks at no tokens. */
  lookedAt: v.nullable(
    v.pipe(
      v.strictObject({
        positions: v.pipe(
          v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_LOOKED_AT - 1))),
          v.maxLength(MAX_LOOKED_AT),
        ),
        margins: bytesSchema(MAX_LOOKED_AT),
      }),
      v.check(({ positions, margins }) => positions.length === margins.length, 'a margin per position'),
    ),
  ),
});

export type CheckRevealInput = v.InferOutput<typeof checkRevealInputSchema>;
export type CheckRevealOutput = v.InferOutput<typeof checkRevealOutputSchema>;

/** Tells the verdict that this node sealed for the caller's job: asked once everyone who checks it has sealed theirs. */
export const checkReveal = defineCapability<CheckRevealInput, CheckRevealOutput>({
  id: 'check.reveal@1',
  input: checkRevealInputSchema,
  output: checkRevealOutputSchema,
  trust: 'member',
  timeoutMs: 2_000,
});
