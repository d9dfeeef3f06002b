import { jsonText, parseJsonText, withoutBoxes } from '#core/base/json-text';
import { fail, ok, unwrap, type Result } from '#core/base/result';
import { createStream } from '#core/base/stream';
import { assembleArtefacts, renderArtefacts, type BatchArtefacts as Artefacts } from '#core/jobs/batch/artefacts';
import { parseManifest, type BatchJob, type BatchManifest } from '#core/jobs/batch/manifest';
import { reportOf, type ReportedResult } from '#core/jobs/batch/report';
import { runBatch } from '#core/jobs/batch/run-batch';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import { workKinds } from '#services/work-services';
import type { MeshNode } from '../create-node';
import type { BatchOutcome, BatchRun } from '../tab-node';

/** Jobs of one batch that are under way at once: enough to keep a handful of nodes busy. */
const JOBS_AT_ONCE = 6;

interface Done {
  readonly nodeId: string;
  readonly report: ReportedResult;
  readonly reason: string;
}

/** One job through the pipeline: asked, redone by another node, receipted. Who did it is who started it last. */
async function runOverMesh(node: MeshNode, job: BatchJob, signal: AbortSignal): Promise<Result<Done>> {
  const type = deterministicJobTypes.get(job.job_type);
  const kind = type && workKinds.get(type.capability);
  if (!kind)
    return fail(
      'unknown_job_type',
      `Job ${job.job_id} has the type ${job.job_type}, which no node knows; the batch was refused.`,
    );
  const input = withoutBoxes(job.payload);
  // On a link a number is a number: a payload that is bad only by how it was written (`5.0` for an integer) is judged here.
  if (jsonText(input) !== jsonText(job.payload)) {
    const written = type.run(job.payload);
    if (!written.ok) {
      const report = reportOf(job, node.self, deterministicJobTypes, written);
      return ok({ nodeId: node.self, report, reason: written.error.message });
    }
  }
  const work = node.work({ kind, input, provider: 'auto', signal });
  let nodeId = node.self;
  for (;;) {
    const next = await work.next();
    if (!next.done) {
      if (next.value.type === 'started') nodeId = next.value.expert;
      continue;
    }
    const { value } = next;
    if (!value.ok && value.error.code === 'cancelled') return value;
    const outcome: Result<unknown> = value.ok ? ok(value.value.output) : value;
    const reason = value.ok ? value.value.answer.verdict : value.error.message;
    return ok({ nodeId, report: reportOf(job, nodeId, deterministicJobTypes, outcome), reason });
  }
}

/**
 * A batch for Lab. In this tab it is the very run of the command line. Over the mesh the manifest's nodes give way to the nodes
 * that are here now, each job goes through the pipeline, and the artefacts name who really did what.
 */
export function startBatch(manifestText: string, where: 'mesh' | 'tab', node: () => MeshNode | null): BatchRun {
  const abort = new AbortController();
  const progress = createStream<{ done: number; total: number; jobId: string; reason: string }>();

  async function overMesh(
    manifest: BatchManifest,
    live: MeshNode,
  ): Promise<Result<{ manifest: BatchManifest; artefacts: Artefacts }>> {
    live.goPublic();
    const done: Done[] = [];
    let finished = 0;
    let failure: Result<never> | null = null;
    const queue = manifest.jobs.map((job, index) => ({ job, index }));
    const lane = async (): Promise<void> => {
      for (let next = queue.shift(); next && !failure; next = queue.shift()) {
        const result = await runOverMesh(live, next.job, abort.signal);
        if (!result.ok) {
          failure = result;
          return;
        }
        done[next.index] = result.value;
        progress.push({
          done: ++finished,
          total: manifest.jobs.length,
          jobId: next.job.job_id,
          reason: result.value.reason,
        });
      }
    };
    await Promise.all(Array.from({ length: JOBS_AT_ONCE }, lane));
    if (failure) return failure;
    const here = new Set([...done.map((one) => one.nodeId), live.self, ...live.links.all.map((link) => link.peer)]);
    const actual: BatchManifest = {
      version: 1,
      nodes: [...here].sort().map((node_id) => ({ node_id, status: 'available', capabilities: null })),
      jobs: manifest.jobs,
    };
    const assignments = manifest.jobs.map((job, index) => ({ job_id: job.job_id, node_id: done[index]!.nodeId }));
    const artefacts = assembleArtefacts(
      actual,
      assignments,
      done.map((one) => one.report),
      deterministicJobTypes,
    );
    return artefacts.ok ? ok({ manifest: actual, artefacts: artefacts.value }) : artefacts;
  }

  async function run(): Promise<Result<BatchOutcome>> {
    try {
      const manifest = parseManifest(manifestText);
      if (!manifest.ok) return manifest;
      const live = node();
      if (where === 'mesh' && !live) return fail('not_running', 'The node does not run in this tab.');
      const ran =
        where === 'mesh' && live
          ? await overMesh(manifest.value, live)
          : mapOk(runBatch(manifest.value, deterministicJobTypes), (artefacts) => ({
              manifest: manifest.value,
              artefacts,
            }));
      if (!ran.ok) return ran;
      const text = renderArtefacts(ran.value.manifest, ran.value.artefacts, deterministicJobTypes);
      // The text is read back with its floats kept as floats, so that each part says what the whole says.
      const parts = Object.entries(unwrap(parseJsonText(text)) as Record<string, unknown>);
      return ok({
        artefacts: JSON.parse(text) as BatchOutcome['artefacts'],
        text,
        textByName: Object.fromEntries(parts.map(([name, part]) => [name, `${jsonText(part, { indent: 2 })}\n`])),
      });
    } finally {
      progress.end();
    }
  }

  return { progress, outcome: run(), cancel: () => abort.abort() };
}

const mapOk = <T, U>(result: Result<T>, map: (value: T) => U): Result<U> =>
  result.ok ? ok(map(result.value)) : result;
