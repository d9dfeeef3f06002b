import { fail, ok, type Failure, type Result } from '#core/base/result';
import { byCodePoint } from '#core/base/text';
import { collectStep, documentNames } from '#core/jobs/batch/collect-step';
import { parseContributionLedger, renderLedgerSummary, summariseLedger } from '#core/jobs/batch/contribution-ledger';
import { dispatchBatch } from '#core/jobs/batch/dispatch';
import { filesBelow } from '#core/jobs/batch/files-below';
import { DISPATCH_LOG_PATH, LEDGER_PATH } from '#core/jobs/batch/flow-files';
import { hashesOf } from '#core/jobs/batch/flow-hashes';
import { INBOX_FOLDER, parseNodeFile } from '#core/jobs/batch/inboxes';
import type { JobTypes } from '#core/jobs/batch/job-type';
import { parseManifest } from '#core/jobs/batch/manifest';
import { materialiseStep } from '#core/jobs/batch/materialise-step';
import { renderMessages, scopeOfManifest } from '#core/jobs/batch/message-log';
import { inFile, writable, type DocumentWrite, type TextReader } from '#core/jobs/batch/named-documents';
import { OUTBOX_FOLDER } from '#core/jobs/batch/outboxes';
import { processStep } from '#core/jobs/batch/process-step';
import { isStepPath, placeInFolder, RESULTS_LOG_PATH } from '#core/jobs/batch/step-folder';
import type { BatchSteps, FlowFilesView, StepFolderView, Stepped } from '../tab-node';

export function createBatchSteps(jobTypes: JobTypes): BatchSteps {
  return {
    open(opened) {
      const files = filesBelow(opened, isStepPath);
      return files === null
        ? fail('no_batch_files', 'None of these files is one that a step of a batch leaves.')
        : ok({ folder: viewOf(files) });
    },
    dispatch(files, manifestText) {
      const manifest = parseManifest(manifestText);
      if (!manifest.ok) return manifest;
      const dispatched = dispatchBatch(manifest.value, jobTypes);
      if (!dispatched.ok) return dispatched;
      const { assignments, messages } = dispatched.value;
      const text = renderMessages(messages, scopeOfManifest(manifest.value));
      const nodes = new Set(assignments.map((assignment) => assignment.node_id)).size;
      return stepped(files, [{ path: DISPATCH_LOG_PATH, text }], { jobs: assignments.length, nodes });
    },
    async materialise(files) {
      const step = await materialiseStep(DISPATCH_LOG_PATH, readerOf(files));
      if (!step.ok) return step;
      const { inboxes, writes } = step.value;
      const messages = inboxes.reduce((sum, inbox) => sum + inbox.messages.length, 0);
      return stepped(files, writes, { inboxes: inboxes.length, messages });
    },
    async process(files, nodeIds) {
      const did = { done: 0, skipped: 0, valid: 0, units: 0 };
      const writes: DocumentWrite[] = [];
      // All share one ledger: each goes on from what the one before it wrote.
      const soFar = new Map(files);
      for (const nodeId of nodeIds) {
        const step = await processStep(placeInFolder(nodeId), readerOf(soFar), jobTypes);
        if (!step.ok) return step;
        const { processed, skipped } = step.value.pass;
        did.done += processed.length;
        did.skipped += skipped.length;
        for (const { settled } of processed) {
          if (settled.judgement.validation.valid) did.valid++;
          did.units += settled.judgement.units;
        }
        writes.push(...step.value.writes);
        for (const { path, text } of step.value.writes) soFar.set(path, text);
      }
      return stepped(files, writes, did);
    },
    async collect(files) {
      const pathOf = (name: string): string => `${OUTBOX_FOLDER}/${name}`;
      const names = namesIn(files, OUTBOX_FOLDER);
      const step = await collectStep({ path: OUTBOX_FOLDER, names, pathOf }, readerOf(files));
      if (!step.ok) return step;
      const { outboxes, messages, text } = step.value;
      const did = { outboxes: outboxes.length, messages: messages.length };
      return stepped(files, [{ path: RESULTS_LOG_PATH, text }], did);
    },
    importLedger(files, text) {
      const ledger = parseContributionLedger(text);
      if (!ledger.ok) return ledger;
      return stepped(files, [{ path: LEDGER_PATH, text }], { records: ledger.value.records.length });
    },
  };
}

const readerOf =
  (files: FlowFilesView): TextReader =>
  async (path) =>
    ok(files.get(path) ?? null);

/** The names of what lies directly in a folder of the files. */
const namesIn = (files: FlowFilesView, folder: string): readonly string[] =>
  [...files.keys()]
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1))
    .filter((name) => !name.includes('/'));

function stepped<Did extends object>(
  files: FlowFilesView,
  writes: readonly DocumentWrite[],
  did: Did,
): Result<Stepped<Did>> {
  const fitting = writable(writes);
  if (!fitting.ok) return fitting;
  const written = fitting.value.map(({ path, text }) => [path, text] as const);
  return ok({ ...did, folder: viewOf(new Map([...files, ...written])) });
}

/** Sorted, so that the files do not tell in which order the steps were done. */
function viewOf(unsorted: FlowFilesView): StepFolderView {
  const files = new Map([...unsorted].sort(([a], [b]) => byCodePoint(a, b)));
  let fault: Failure | null = null;
  const readable = <T>(path: string, read: Result<T>): T | null => {
    if (read.ok) return read.value;
    fault ??= inFile(path, read.error).error;
    return null;
  };
  const nodes = documentNames(namesIn(files, INBOX_FOLDER)).flatMap((name) => {
    const path = `${INBOX_FOLDER}/${name}`;
    return readable(path, parseNodeFile(files.get(path)!, 'inbox', name))?.node_id ?? [];
  });
  const ledgerText = files.get(LEDGER_PATH);
  const ledger = ledgerText === undefined ? null : readable(LEDGER_PATH, parseContributionLedger(ledgerText));
  return {
    files,
    listed: hashesOf(files),
    dispatched: files.has(DISPATCH_LOG_PATH),
    nodes: nodes.sort(byCodePoint),
    ledger: ledger && {
      text: renderLedgerSummary(ledger),
      nodes: summariseLedger(ledger).map(({ node_id, results, completed_jobs, failed_jobs, contribution_units }) => ({
        node: node_id,
        results,
        completed: completed_jobs,
        failed: failed_jobs,
        units: contribution_units,
      })),
    },
    fault,
  };
}
