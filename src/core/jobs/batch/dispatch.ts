import { ok, type Result } from '../../base/result';
import { assignedMessage, heartbeatMessage, runningId, type BatchMessage, type NodeHeartbeat } from './job-messages';
import type { JobTypes } from './job-type';
import type { BatchManifest } from './manifest';
import { capabilitiesOf, scheduleBatch, type Assignment } from './schedule';

/** A batch that was given out and not yet done. */
export interface Dispatch {
  readonly assignments: readonly Assignment[];
  /** The heartbeats of the available nodes, then every `job_assigned` in job order. */
  readonly messages: readonly BatchMessage[];
}

/** What each node of the roster says of itself as a run begins; an offline one has no place among the heartbeats. */
export function heartbeatsOf(manifest: BatchManifest, jobTypes: JobTypes): NodeHeartbeat[] {
  let heartbeats = 0;
  return manifest.nodes.map((node) => {
    const available = node.status === 'available';
    if (available) heartbeats += 1;
    return {
      node_id: node.node_id,
      status: node.status,
      capabilities: capabilitiesOf(node, jobTypes),
      heartbeat_sequence: available ? heartbeats : 0,
      heartbeat_count: available ? 1 : 0,
    };
  });
}

/** Gives the jobs of a batch to its nodes without doing any. Codes of `scheduleBatch`. */
export function dispatchBatch(manifest: BatchManifest, jobTypes: JobTypes): Result<Dispatch> {
  const scheduled = scheduleBatch(manifest, jobTypes);
  if (!scheduled.ok) return scheduled;
  const messages = heartbeatsOf(manifest, jobTypes)
    .filter((heartbeat) => heartbeat.status === 'available')
    .map((heartbeat, index) => heartbeatMessage(runningId(index + 1), heartbeat));
  for (const [index, job] of manifest.jobs.entries()) {
    messages.push(assignedMessage(runningId(messages.length + 1), job, scheduled.value[index]!.node_id));
  }
  return ok({ assignments: scheduled.value, messages });
}
