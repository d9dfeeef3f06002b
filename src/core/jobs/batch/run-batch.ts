import type { Result } from '../../base/result';
import { assembleArtefacts, type BatchArtefacts } from './artefacts';
import type { JobTypes } from './job-type';
import type { BatchManifest } from './manifest';
import { runJob } from './report';
import { scheduleBatch } from './schedule';

/** Schedules, does and judges a whole batch in one place. Pure and synchronous; refused as a whole when a job finds no node. */
export function runBatch(manifest: BatchManifest, jobTypes: JobTypes): Result<BatchArtefacts> {
  const scheduled = scheduleBatch(manifest, jobTypes);
  if (!scheduled.ok) return scheduled;
  const results = manifest.jobs.map((job, index) => runJob(job, scheduled.value[index]!.node_id, jobTypes));
  return assembleArtefacts(manifest, scheduled.value, results, jobTypes);
}
