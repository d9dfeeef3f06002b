import { hex, utf8 } from '../../base/bytes';
import { sha256 } from '../../base/canonical';
import { jsonText } from '../../base/json-text';
import { checkAgainst } from '../../wire/gate';
import type { JobType } from './job-type';
import type { ReportedResult } from './report';

/** The output as it is written: floats by type as floats. An output that is not of the type's shape stays as it is. */
export function writtenOutput(type: JobType | undefined, output: unknown): unknown {
  if (!type || output === null) return output;
  const shaped = checkAgainst(type.output, output);
  return shaped.ok ? type.withFloats(shaped.value) : output;
}

/**
 * SHA-256, in hex, of what a node reported: compact JSON with sorted keys and non-ASCII escaped over `job_id`,
 * `node_id`, `status`, `output` and `error`. Units are left out, so that judging does not change the hash.
 */
export function resultHash(type: JobType | undefined, result: ReportedResult): string {
  const { job_id, node_id, status, error } = result;
  const hashed = { job_id, node_id, status, output: writtenOutput(type, result.output), error };
  return hex(sha256(utf8(jsonText(hashed, { ascii: true, sortKeys: true }))));
}
