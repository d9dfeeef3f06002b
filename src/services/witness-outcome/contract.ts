import * as v from 'valibot';
import { cidSchema } from '#core/base/ids';
import { defineCapability } from '#core/bus/capability';
import { microsSchema } from '#core/identity/economy-policy';
import { MAX_CARRIED_BYTES, MAX_STATEMENTS, MAX_VERDICTS, settlementSchema } from '#core/ledger/events';
import { OUTCOMES } from '#core/ledger/witnesses';
import { bytesSchema } from '#core/wire/gate';
import { signedSchema } from '#core/wire/signed';

export const witnessOutcomeInputSchema = v.strictObject({
  reservation: cidSchema,
  /** The payer's entry as it is stored, with the witnesses' certificate: what counts of a payer who signed two histories. */
  certified: v.nullable(
    v.strictObject({
      entry: bytesSchema(MAX_CARRIED_BYTES),
      heads: v.pipe(v.array(signedSchema), v.maxLength(MAX_STATEMENTS)),
    }),
  ),
  outcome: v.picklist(['proposed', ...OUTCOMES]),
  chargeMicros: microsSchema,
  settlement: v.nullable(settlementSchema),
  /** Statements of witnesses that it was proposed, for `settled`. */
  proposed: v.pipe(v.array(signedSchema), v.maxLength(MAX_STATEMENTS)),
  /** Rejecting verdicts and the advertisement, for `void`. */
  reasons: v.pipe(v.array(signedSchema), v.maxLength(MAX_VERDICTS)),
  offer: v.nullable(signedSchema),
  /** The payee's word, for `released`: `releaseSchema` in core/ledger/witness-duty. */
  release: v.nullable(signedSchema),
});

/** Signed by the witness: `outcomeWitnessSchema` in core/ledger/witnesses. */
export const witnessOutcomeOutputSchema = v.strictObject({ statement: signedSchema });

export type WitnessOutcomeInput = v.InferOutput<typeof witnessOutcomeInputSchema>;
export type WitnessOutcomeOutput = v.InferOutput<typeof witnessOutcomeOutputSchema>;

/** Asks a witness to sign how a reservation ended, or that work was proposed for it. It signs one end, once and for all. */
export const witnessOutcome = defineCapability<WitnessOutcomeInput, WitnessOutcomeOutput>({
  id: 'witness.outcome@1',
  input: witnessOutcomeInputSchema,
  output: witnessOutcomeOutputSchema,
  trust: 'member',
  timeoutMs: 5_000,
});
