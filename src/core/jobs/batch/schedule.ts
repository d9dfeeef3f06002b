import { fail, ok, type Result } from '../../base/result';
import { byCodePoint } from '../../base/text';
import type { JobTypes } from './job-type';
import type { BatchManifest, BatchNode } from './manifest';

export interface Assignment {
  readonly job_id: string;
  readonly node_id: string;
}

/** What a node can do, in code point order: what the manifest says, else every job type of the batch. */
export const capabilitiesOf = (node: BatchNode, jobTypes: JobTypes): readonly string[] =>
  [...(node.capabilities ?? jobTypes.keys())].sort(byCodePoint);

/**
 * Jobs in order, each to the available capable node with the fewest jobs so far, ties by manifest order. One job that
 * nobody can take, an unknown type included, refuses the whole batch (`no_capable_node`, `unknown_job_type`).
 */
export function scheduleBatch(manifest: BatchManifest, jobTypes: JobTypes): Result<readonly Assignment[]> {
  const nodes = manifest.nodes
    .filter((node) => node.status === 'available')
    .map((node) => ({ id: node.node_id, can: new Set(capabilitiesOf(node, jobTypes)), jobs: 0 }));
  const assignments: Assignment[] = [];
  for (const job of manifest.jobs) {
    const name = `${JSON.stringify(job.job_id)} of type ${JSON.stringify(job.job_type)}`;
    if (!jobTypes.has(job.job_type)) {
      return fail('unknown_job_type', `The batch was refused: no node knows the job ${name}.`);
    }
    let chosen: (typeof nodes)[number] | null = null;
    for (const node of nodes) {
      if (node.can.has(job.job_type) && (chosen === null || node.jobs < chosen.jobs)) chosen = node;
    }
    if (chosen === null) {
      return fail('no_capable_node', `The batch was refused: no available node can take the job ${name}.`);
    }
    chosen.jobs += 1;
    assignments.push({ job_id: job.job_id, node_id: chosen.id });
  }
  return ok(assignments);
}
