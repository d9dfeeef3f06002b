import type { Verify } from '#core/base/ports';
import { fail, ok, type Failure, type Result } from '#core/base/result';
import { createStream } from '#core/base/stream';
import { renderAggregate } from '#core/jobs/batch/aggregate';
import { filesBelow } from '#core/jobs/batch/files-below';
import { runFlow, type FlowDeps } from '#core/jobs/batch/flow';
import { auditFlow, renderAudit, type FlowAudit } from '#core/jobs/batch/flow-audit';
import { HASHES_PATH } from '#core/jobs/batch/flow-files';
import { hashesOf } from '#core/jobs/batch/flow-hashes';
import { parseManifest } from '#core/jobs/batch/manifest';
import { parseMessageLog } from '#core/jobs/batch/message-log';
import { peersOf, renderPeers } from '#core/jobs/batch/peers';
import { renderValidation, validateResults } from '#core/jobs/batch/validate-results';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { BatchLab, FlowFilesView, FlowView, LabRun } from '../tab-node';
import { createBatchSteps } from './batch-steps';
import type { TabNodeDeps } from './deps';

/** The page gets a turn this often while a large flow is made. */
const TURN_MS = 30;

const jobTypes = deterministicJobTypes;

/** The Lab's batch flows: the core of the command line, over what this tab hands in. */
export function createBatchLab({
  clock,
  verify,
  loadSeedSigner,
}: Pick<TabNodeDeps, 'clock' | 'loadSeedSigner'> & { readonly verify: Verify }): BatchLab {
  /** Work that is told how to report its steps and when to stop. */
  function labRun<T>(work: (deps: FlowDeps) => Promise<Result<T>>): LabRun<T> {
    let cancelled = false;
    let turnAt = clock.monotonicMs();
    const progress = createStream<{ done: number; total: number }>();
    const onStep = async (done: number, total: number): Promise<boolean> => {
      if (clock.monotonicMs() - turnAt >= TURN_MS) {
        progress.push({ done, total });
        await new Promise<void>((resolve) => clock.after(0, resolve));
        turnAt = clock.monotonicMs();
      }
      return !cancelled;
    };
    const run = async (): Promise<Result<T>> => {
      try {
        return await work({ jobTypes, createSigner: await loadSeedSigner(), onStep });
      } finally {
        progress.end();
      }
    };
    return { progress, outcome: run(), cancel: () => void (cancelled = true) };
  }

  return {
    steps: createBatchSteps(jobTypes),
    runFlow: (manifestText, { transport, peerLog }) =>
      labRun(async (deps) => {
        const manifest = parseManifest(manifestText);
        if (!manifest.ok) return manifest;
        const log = peerLog === null ? ok(null) : parseMessageLog(peerLog);
        if (!log.ok) return inLog('roster', log.error);
        const peers = log.value === null ? ok(null) : peersOf(log.value);
        if (!peers.ok) return peers;
        const flow = await runFlow(manifest.value, { transport, peers: peers.value }, deps);
        return flow.ok ? ok(flow.value.files) : flow;
      }),
    auditFlow: (opened) =>
      labRun(async (deps) => {
        const files = filesBelow(opened, (path) => path === HASHES_PATH) ?? opened;
        const audit = await auditFlow(async (path) => ok(files.get(path) ?? null), { ...deps, verify });
        return audit.ok ? ok(viewOf(files, audit.value)) : audit;
      }),
    summarisePeers(logText) {
      const log = parseMessageLog(logText);
      if (!log.ok) return log;
      const peers = peersOf(log.value);
      if (!peers.ok) return peers;
      return ok({
        text: renderPeers(peers.value),
        peers: peers.value.map(({ node_id, status, capabilities, heartbeat_count }) => ({
          node: node_id,
          status,
          capabilities,
          heartbeats: heartbeat_count,
        })),
      });
    },
    validateResults(assignmentsText, resultsText) {
      const assignments = parseMessageLog(assignmentsText);
      if (!assignments.ok) return inLog('assignments', assignments.error);
      const results = parseMessageLog(resultsText);
      if (!results.ok) return inLog('results', results.error);
      const validation = validateResults(assignments.value, results.value, jobTypes);
      if (!validation.ok) return validation;
      return ok({
        text: renderValidation(validation.value),
        results: validation.value.verdicts.map(({ job_id, result_node_id, valid, reason, contribution_units }) => ({
          jobId: job_id,
          node: result_node_id,
          valid,
          reason,
          units: contribution_units,
        })),
      });
    },
  };
}

const inLog = (which: string, { code, message }: Failure) => fail(code, `The log of the ${which}: ${message}`);

function viewOf(files: FlowFilesView, audit: FlowAudit): FlowView {
  const auditText = renderAudit(audit);
  const { checked } = JSON.parse(auditText) as { readonly checked: FlowView['checked'] };
  return {
    files,
    listed: hashesOf(files),
    transport: audit.plan.transport,
    peerDerived: audit.plan.peers !== null,
    checked,
    totals: { ...audit.totals },
    results: audit.flow.processed.map(({ settled: { job, nodeId, judgement } }) => ({
      jobId: job.job_id,
      node: nodeId,
      valid: judgement.validation.valid,
      reason: judgement.validation.reason,
      units: judgement.units,
    })),
    auditText,
    aggregateText: renderAggregate(audit, jobTypes),
  };
}
