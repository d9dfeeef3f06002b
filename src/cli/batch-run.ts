import { readTextFile, writeFiles, type FileWrite } from '#adapters/storage-fs-files/write-files';
import { fail, ok, type Result } from '#core/base/result';
import { renderArtefacts } from '#core/jobs/batch/artefacts';
import {
  appendBatch,
  EMPTY_CONTRIBUTION_LEDGER,
  MAX_LEDGER_CHARACTERS,
  parseContributionLedger,
  renderContributionLedger,
} from '#core/jobs/batch/contribution-ledger';
import { MAX_MANIFEST_CHARACTERS, parseManifest } from '#core/jobs/batch/manifest';
import { renderMessageLog } from '#core/jobs/batch/message-log';
import { batchReceipts, renderBatchReceipts } from '#core/jobs/batch/receipts';
import { runBatch } from '#core/jobs/batch/run-batch';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';

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
  const manifestPath = input.resolvePath(input.positionals[0]!);
  const pathOf = (option: string): string | null => {
    const value = input.options[option];
    return typeof value === 'string' ? input.resolvePath(value) : null;
  };
  const ledgerPath = pathOf('ledger');
  const messageLogPath = pathOf('message-log');
  const receiptsPath = pathOf('receipts');
  const named = [manifestPath, ledgerPath, messageLogPath, receiptsPath].filter((path) => path !== null);
  if (new Set(named).size < named.length)
    return fail('usage', 'Manifest, ledger, message log and receipts must be different files.');

  const manifestText = await readTextFile(manifestPath, MAX_MANIFEST_CHARACTERS);
  if (!manifestText.ok) return manifestText;
  if (manifestText.value === null) return fail('no_manifest', `There is no manifest at ${manifestPath}.`);
  const manifest = parseManifest(manifestText.value);
  if (!manifest.ok) return inFile(manifestPath, manifest.error);

  const ledgerText = ledgerPath === null ? ok(null) : await readTextFile(ledgerPath, MAX_LEDGER_CHARACTERS);
  if (!ledgerText.ok) return ledgerText;
  const ledger = ledgerText.value === null ? ok(EMPTY_CONTRIBUTION_LEDGER) : parseContributionLedger(ledgerText.value);
  if (!ledger.ok) return inFile(ledgerPath ?? '', ledger.error);

  const run = runBatch(manifest.value, deterministicJobTypes);
  if (!run.ok) return run;

  const writes: FileWrite[] = [];
  if (messageLogPath !== null) {
    writes.push({ path: messageLogPath, text: renderMessageLog(manifest.value, run.value, deterministicJobTypes) });
  }
  if (receiptsPath !== null) {
    const receipts = batchReceipts(manifest.value, run.value, deterministicJobTypes);
    writes.push({ path: receiptsPath, text: renderBatchReceipts(receipts) });
  }
  // The ledger comes last: it must not hold a run whose other files could not be written.
  if (ledgerPath !== null) {
    const text = renderContributionLedger(appendBatch(ledger.value, manifest.value, run.value));
    if (text.length > MAX_LEDGER_CHARACTERS)
      return fail('ledger_full', `The ledger ${ledgerPath} is full; use another file.`);
    writes.push({ path: ledgerPath, text, readAs: ledgerText.value });
  }
  const written = await writeFiles(writes);
  if (!written.ok) return written;
  return ok(renderArtefacts(manifest.value, run.value, deterministicJobTypes));
}

const inFile = (path: string, error: { readonly code: string; readonly message: string }) =>
  fail(error.code, `${path}: ${error.message}`);
