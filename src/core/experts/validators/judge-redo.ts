import { equalBytes } from '../../base/bytes';
import { encodeCanonical } from '../../base/canonical';
import type { Result } from '../../base/result';
import { accepted, rejected, undecided, type Judgement, type OpenedClaim } from './open-claim';

/** Failures that lie in the job's input: no node could have had a result. */
const INPUT_FAULTS: ReadonlySet<string> = new Set(['bad_payload', 'bad_input']);
/** Faults of a payload that a job may run over and that still make no result of it valid. */
const PAYLOAD_FAULT = /^(missing|malformed)_[a-z_]*payload[a-z_]*$/;

/**
 * Redoing decides only deterministic jobs: the same canonical bytes, or not. `redone` is this node's own result; where it
 * has none although the input is good, it cannot tell.
 */
export function judgeRedo({ opens }: OpenedClaim, claimedOutput: unknown, redone: Result<unknown> | null): Judgement {
  if (!opens) return rejected('opening_mismatch');
  if (redone === null) return undecided('not_redone');
  if (redone.ok)
    return equalBytes(encodeCanonical(redone.value), encodeCanonical(claimedOutput))
      ? accepted
      : rejected('output_mismatch');
  if (PAYLOAD_FAULT.test(redone.error.code)) return rejected(redone.error.code);
  if (INPUT_FAULTS.has(redone.error.code)) return rejected('output_mismatch');
  return undecided(redone.error.code === 'unsupported' ? 'unsupported' : 'not_redone');
}
