import { fail, ok, type Result } from '../base/result';

/**
 * Code `simulated` for decoded data that says of itself that all of it was simulated in one place, as the receipts and files of a flow
 * do: anybody can make such signatures again, and nobody worked for them. Told before its form is judged, so that it is refused by
 * this name and not as some damage.
 */
export function refuseSimulated(value: unknown): Result<void> {
  return typeof value === 'object' && value !== null && 'simulated' in value && value.simulated === true
    ? fail('simulated', 'This was simulated in one place: nobody worked for it, and no ledger takes it.')
    : ok(undefined);
}
