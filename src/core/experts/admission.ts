import { encodeCanonical } from '../base/canonical';
import { withoutUndefined } from '../base/plain';
import { fail, ok, type Result } from '../base/result';
import { checkAgainst } from '../wire/gate';
import { MAX_MESSAGE_BYTES } from '../wire/limits';
import type { WorkRequest } from './run';

/** A job is wrapped in a call, and a check carries input and output together: each may fill a third of a message. */
export const MAX_INPUT_BYTES = Math.floor(MAX_MESSAGE_BYTES / 3);

/** The first stage: only a request that keeps its own contract and fits into a message goes further. */
export function admit(request: WorkRequest): Result<void> {
  if (request.signal.aborted) return fail('cancelled', 'This was cancelled.');
  const input = withoutUndefined(request.input);
  const checked = checkAgainst(request.kind.capability.input, input);
  if (!checked.ok) return fail('bad_input', checked.error.message);
  if (encodeCanonical(input).length > MAX_INPUT_BYTES) {
    return fail(
      'too_large',
      `That is longer than the ${Math.floor(MAX_INPUT_BYTES / 1024)} KB that one question may have.`,
    );
  }
  return ok(undefined);
}
