import type { EconomyPolicy } from '../identity/economy-policy';

/** AEM_CREDIT is counted in whole millionths; nothing here rounds but where it says so. */

/** How long work of this price may be challenged, in seconds: the first window that is large enough, else the last. */
export function windowSecondsFor({ windows }: EconomyPolicy, chargeMicros: number): number {
  return (windows.find(({ upToMicros }) => chargeMicros <= upToMicros) ?? windows.at(-1)!).seconds;
}

/** Who gets how much of a charge. What does not divide evenly among those who checked stays with whoever worked. */
export interface Split {
  readonly executorMicros: number;
  /** For each of those who checked. */
  readonly validatorMicros: number;
}

export function splitCharge({ validatorShareMilli }: EconomyPolicy, chargeMicros: number, validators: number): Split {
  if (validators === 0) return { executorMicros: chargeMicros, validatorMicros: 0 };
  // By thousands first, so that no product leaves the exact integers.
  const thousands = Math.floor(chargeMicros / 1_000);
  const rest = chargeMicros % 1_000;
  const share = thousands * validatorShareMilli + Math.floor((rest * validatorShareMilli) / 1_000);
  const validatorMicros = Math.floor(share / validators);
  return { executorMicros: chargeMicros - validatorMicros * validators, validatorMicros };
}
