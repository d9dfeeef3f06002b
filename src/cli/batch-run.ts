import { ok, type Result } from '#core/base/result';
import { renderArtefacts } from '#core/jobs/batch/artefacts';
import {
  appendBatch,
  EMPTY_CONTRIBUTION_LEDGER,
  parseContributionLedger,
  renderContributionLedger,
} from '#core/jobs/batch/contribution-ledger';
import { parseManifest } from '#core/jobs/batch/manifest';
import { renderMessageLog } from '#core/jobs/batch/message-log';
import { inFile, type DocumentWrite } from '#core/jobs/batch/named-documents';
import { batchReceipts, renderBatchReceipts } from '#core/jobs/batch/receipts';
import { runBatch } from '#core/jobs/batch/run-batch';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { pathsOf, readOptional, readRequired, writeDocuments } from './command-files';

/** Runs a batch manifest in this process, each of its nodes simulated, and prints everything that the run leaves. */
export const batchRun: Command = {
  name: 'batch run',
  usage: 'MANIFEST [--ledger FILE] [--message-log FILE] [--receipts FILE]',
  summary: 'run a batch of jobs and print what it leaves; add it to a ledger, write its message log, its receipts',
  positionals: 1,
  options: { ledger: { type: 'string' }, 'message-log': { type: 'string' }, receipts: { type: 'string' } },
  run: runManifest,
};

async function runManifest(input: CommandInput): Promise<Result<string>> {
  const named = { ...input, options: { ...input.options, manifest: input.positionals[0] } };
  const paths = await pathsOf(named, ['manifest'], ['ledger', 'message-log', 'receipts']);
  if (!paths.ok) return paths;
  const manifest = await readRequired(paths.value.manifest, 'manifest', parseManifest);
  if (!manifest.ok) return manifest;
  const ledger = await readOptional(paths.value.ledger, parseContributionLedger);
  if (!ledger.ok) return ledger;
  const run = runBatch(manifest.value.value, deterministicJobTypes);
  if (!run.ok) return run;

  const writes: DocumentWrite[] = [];
  if (paths.value['message-log'] !== null) {
    const text = renderMessageLog(manifest.value.value, run.value, deterministicJobTypes);
    writes.push({ path: paths.value['message-log'], text });
  }
  if (paths.value.receipts !== null) {
    const receipts = batchReceipts(manifest.value.value, run.value, deterministicJobTypes);
    writes.push({ path: paths.value.receipts, text: renderBatchReceipts(receipts) });
  }
  // The ledger comes last: it must not hold a run whose other files could not be written.
  if (paths.value.ledger !== null) {
    const before = ledger.value.value ?? EMPTY_CONTRIBUTION_LEDGER;
    const after = appendBatch(before, manifest.value.value, run.value);
    if (!after.ok) return inFile(paths.value.ledger, after.error);
    writes.push({ path: paths.value.ledger, text: renderContributionLedger(after.value), readAs: ledger.value.text });
  }
  const written = await writeDocuments(writes);
  if (!written.ok) return written;
  return ok(renderArtefacts(manifest.value.value, run.value, deterministicJobTypes));
}
