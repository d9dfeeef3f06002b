import type { Signer } from '../../base/ports';
import { fail, ok, type Result } from '../../base/result';
import { manifestHash, renderManifest } from './canonical-manifest';
import { appendOnce, EMPTY_CONTRIBUTION_LEDGER, renderContributionLedger } from './contribution-ledger';
import { dispatchBatch, type Dispatch } from './dispatch';
import {
  DISPATCH_LOG_PATH,
  FLOW_LOG_PATH,
  flowInboxPath,
  HASHES_PATH,
  LEDGER_PATH,
  MANIFEST_PATH,
  MAX_FLOW_CHARACTERS,
  nodeLogPath,
  PEERS_PATH,
  RECEIPTS_PATH,
  type FlowFiles,
} from './flow-files';
import { hashesOf, renderHashes } from './flow-hashes';
import {
  flowSeed,
  receiptBody,
  renderFlowReceipts,
  signReceipt,
  type CreateSigner,
  type FlowReceipt,
  type FlowReceiptBody,
} from './flow-receipts';
import { inboxesOf, renderNodeMessages } from './inboxes';
import type { BatchMessage } from './job-messages';
import type { JobTypes } from './job-type';
import type { BatchJob, BatchManifest } from './manifest';
import { renderMessages, scopeOfManifest } from './message-log';
import { newNodeState, renderNodeState, statePath } from './node-state';
import { outputLogOf } from './output-log';
import { renderPeers, rosterOfPeers, type Peer } from './peers';
import { processReports, type Pass, type ProcessedAssignment } from './process-inbox';
import { MAX_DOCUMENT_CHARACTERS } from './read-document';
import { runJob, type ReportedResult } from './report';

/** How a flow goes. */
export interface FlowPlan {
  /** Each node reads a file of its own instead of the whole dispatch log. */
  readonly transport: boolean;
  /** The nodes come from recorded heartbeats; null: from the manifest. */
  readonly peers: readonly Peer[] | null;
}

export interface FlowDeps {
  readonly jobTypes: JobTypes;
  readonly createSigner: CreateSigner;
  /** Told after each node's pass and each receipt that was signed or verified; false ends the work with the code `cancelled`. */
  readonly onStep?: (done: number, total: number) => Promise<boolean>;
}

/** A finished flow. */
export interface Flow {
  /** With the roster that the flow really had. */
  readonly manifest: BatchManifest;
  readonly manifestHash: string;
  readonly messages: readonly BatchMessage[];
  /** One per job, in job order. */
  readonly processed: readonly ProcessedAssignment[];
  readonly receipts: readonly FlowReceipt[];
  /** In the order in which they are written, the list of hashes last. */
  readonly files: FlowFiles;
}

/** A flow before anybody signed: everything that follows from the manifest and the reported results alone. */
export interface UnsignedFlow extends Omit<Flow, 'receipts'> {
  readonly bodies: readonly FlowReceiptBody[];
  readonly signerByNode: ReadonlyMap<string, Signer>;
}

/** The manifest with the roster of a plan. Code `no_peers` when there is nobody. */
export function plannedManifest(manifest: BatchManifest, { peers }: FlowPlan): Result<BatchManifest> {
  if (peers === null) return ok(manifest);
  if (peers.length === 0)
    return fail('no_peers', 'The message log has no heartbeats, so there is no node to do the jobs.');
  return ok({ ...manifest, nodes: rosterOfPeers(peers) });
}

/** The paths of everything that a flow leaves, the list of hashes too; they follow from the dispatch alone. */
export function flowPaths(manifest: BatchManifest, plan: FlowPlan, dispatch: Dispatch): readonly string[] {
  const working = workingNodes(manifest);
  const addressed = new Set(dispatch.assignments.map((assignment) => assignment.node_id));
  return [
    MANIFEST_PATH,
    ...(plan.peers === null ? [] : [PEERS_PATH]),
    DISPATCH_LOG_PATH,
    ...(plan.transport ? working.filter((node) => addressed.has(node)).map(flowInboxPath) : []),
    ...working.flatMap((node) => [nodeLogPath(node), statePath(node)]),
    FLOW_LOG_PATH,
    LEDGER_PATH,
    RECEIPTS_PATH,
    HASHES_PATH,
  ];
}

const workingNodes = (manifest: BatchManifest): readonly string[] =>
  manifest.nodes.filter((node) => node.status === 'available').map((node) => node.node_id);

/**
 * Dispatch, every available node's pass in the order of the roster, and what they leave together. `reportOf` says what the assigned
 * node reported of a job: it does the job, or tells what was reported before. `manifest` has the planned roster already.
 * Codes of `dispatchBatch`, `too_large`, `cancelled`.
 */
export async function assembleFlow(
  manifest: BatchManifest,
  plan: FlowPlan,
  { jobTypes, createSigner, ...deps }: FlowDeps,
  reportOf: (job: BatchJob, nodeId: string) => ReportedResult,
): Promise<Result<UnsignedFlow>> {
  const dispatch = dispatchBatch(manifest, jobTypes);
  if (!dispatch.ok) return dispatch;
  const inboxes = inboxesOf(dispatch.value.messages);
  if (!inboxes.ok) return inboxes;
  const inboxByNode = new Map(inboxes.value.map((inbox) => [inbox.node_id, inbox]));
  const scope = scopeOfManifest(manifest);
  const files = createFiles();
  files.add(MANIFEST_PATH, renderManifest(manifest));
  if (plan.peers !== null) files.add(PEERS_PATH, renderPeers(plan.peers));
  const dispatchLog = renderMessages(dispatch.value.messages, scope);
  files.add(DISPATCH_LOG_PATH, dispatchLog);
  // Known before any of it is written: every node's log begins with the whole dispatch.
  if (!plan.transport && workingNodes(manifest).length * dispatchLog.length > MAX_FLOW_CHARACTERS)
    return tooLarge(plan);
  if (plan.transport) {
    for (const inbox of inboxes.value) files.add(flowInboxPath(inbox.node_id), renderNodeMessages(inbox));
  }

  const messages = [...dispatch.value.messages];
  const processedByJob = new Map<string, ProcessedAssignment>();
  let ledger = { ...EMPTY_CONTRIBUTION_LEDGER, otherFields: { simulated: true } as Readonly<Record<string, unknown>> };
  for (const [index, nodeId] of workingNodes(manifest).entries()) {
    const given = plan.transport ? (inboxByNode.get(nodeId)?.messages ?? []) : dispatch.value.messages;
    const pass: Result<Pass> = processReports(given, newNodeState(nodeId), jobTypes, (job) => reportOf(job, nodeId));
    if (!pass.ok) return pass;
    const { processed, state } = pass.value;
    const log = outputLogOf(given, pass.value, []);
    if (!log.ok) return log;
    const recorded = appendOnce(
      ledger,
      processed.map((one) => one.record),
    );
    if (!recorded.ok) return recorded;
    ledger = { ...ledger, ...recorded.value.ledger };
    files.add(nodeLogPath(nodeId), renderMessages(log.value));
    files.add(statePath(nodeId), renderNodeState(state));
    if (files.tooLarge) break;
    messages.push(...processed.flatMap((one) => one.emitted));
    for (const one of processed) processedByJob.set(one.settled.job.job_id, one);
    if (!(await goesOn(deps, manifest, index + 1))) return CANCELLED;
  }
  files.add(FLOW_LOG_PATH, renderMessages(messages, scope));
  files.add(LEDGER_PATH, renderContributionLedger(ledger));
  if (files.tooLarge) return tooLarge(plan);

  const hash = manifestHash(manifest);
  const signerByNode = new Map(workingNodes(manifest).map((nodeId) => [nodeId, createSigner(flowSeed(hash, nodeId))]));
  const processed = manifest.jobs.map((job) => processedByJob.get(job.job_id)!);
  const bodies = processed.map((one) => receiptBody(one, hash, signerByNode.get(one.settled.nodeId)!.nodeId, jobTypes));
  return ok({ manifest, manifestHash: hash, messages, processed, bodies, signerByNode, files: files.all });
}

export const CANCELLED = fail('cancelled', 'The flow was stopped.');

/** Whether the work goes on when so many passes and receipts are done. */
const goesOn = async ({ onStep }: Pick<FlowDeps, 'onStep'>, manifest: BatchManifest, done: number): Promise<boolean> =>
  onStep === undefined || onStep(done, workingNodes(manifest).length + manifest.jobs.length);

/** Whether it goes on when so many receipts are signed or verified; all passes are done then. */
export const receiptDone = (deps: FlowDeps, manifest: BatchManifest, receipts: number): Promise<boolean> =>
  goesOn(deps, manifest, workingNodes(manifest).length + receipts);

function tooLarge({ transport }: FlowPlan) {
  const advice = transport ? 'use fewer or smaller jobs' : 'with transport no node repeats the whole dispatch';
  return fail('too_large', `The flow's files would be larger than those of a flow may be; ${advice}.`);
}

function createFiles() {
  const all = new Map<string, string>();
  let characters = 0;
  let tooLarge = false;
  return {
    all,
    get tooLarge() {
      return tooLarge;
    },
    add(path: string, text: string): void {
      characters += text.length;
      tooLarge ||= text.length > MAX_DOCUMENT_CHARACTERS || characters > MAX_FLOW_CHARACTERS;
      if (!tooLarge) all.set(path, text);
    },
  };
}

/** A flow with its receipts signed and its files hashed. */
export function sealFlow(
  { bodies: _, signerByNode: __, ...flow }: UnsignedFlow,
  plan: FlowPlan,
  receipts: readonly FlowReceipt[],
): Flow {
  const files = new Map([...flow.files, [RECEIPTS_PATH, renderFlowReceipts(receipts)]]);
  const hashes = {
    transport: plan.transport,
    peer_derived: plan.peers !== null,
    manifest_hash: flow.manifestHash,
    files: hashesOf(files),
  };
  return { ...flow, receipts, files: new Map([...files, [HASHES_PATH, renderHashes(hashes)]]) };
}

/**
 * A whole batch in one step: dispatch, each node's pass, ledger, signed receipts, states, logs, hashes. All nodes are simulated here, with
 * keys that follow from the manifest. The same manifest and plan give the same bytes. Codes of `dispatchBatch`,
 * `no_peers`, `too_large`, `cancelled`.
 */
export async function runFlow(manifest: BatchManifest, plan: FlowPlan, deps: FlowDeps): Promise<Result<Flow>> {
  const planned = plannedManifest(manifest, plan);
  if (!planned.ok) return planned;
  const unsigned = await assembleFlow(planned.value, plan, deps, (job, nodeId) => runJob(job, nodeId, deps.jobTypes));
  if (!unsigned.ok) return unsigned;
  const { bodies, signerByNode } = unsigned.value;
  const receipts: FlowReceipt[] = [];
  for (const body of bodies) {
    receipts.push(await signReceipt(body, signerByNode.get(body.node_id)!));
    if (!(await receiptDone(deps, planned.value, receipts.length))) return CANCELLED;
  }
  return ok(sealFlow(unsigned.value, plan, receipts));
}
