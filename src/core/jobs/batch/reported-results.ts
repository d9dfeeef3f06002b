import { jsonText, withoutBoxes } from '../../base/json-text';
import type { BatchMessage } from './job-messages';
import type { JobType } from './job-type';
import type { ReportedResult } from './report';
import { writtenOutput } from './result-hash';

/**
 * An output as it was read from a document, as the jobs themselves give it: where the type has floats, floats are plain
 * numbers again (and an integer of the same value counts as one). A float where the type has an integer stays apart, so that such
 * an output is equal to none.
 */
export function readOutput(type: JobType | undefined, output: unknown): unknown {
  const plain = withoutBoxes(output);
  const style = { sortKeys: true } as const;
  return jsonText(writtenOutput(type, plain), style) === jsonText(output, style) ? plain : output;
}

/** What a `job_result_reported` message says, to be judged. */
export const reportedResult = ({ payload }: BatchMessage, type: JobType | undefined): ReportedResult => ({
  job_id: String(payload['job_id']),
  node_id: String(payload['node_id']),
  status: payload['status'] === 'completed' ? 'completed' : 'failed',
  output: readOutput(type, payload['output']),
  error: (payload['error'] ?? null) as string | null,
  contribution_units: Number(payload['contribution_units']),
});
