import { join } from 'node:path';
import { createSeedSigner } from '#adapters/signer-seed';
import { createVerify } from '#adapters/verify-webcrypto';
import { ok, type Result } from '#core/base/result';
import { renderAggregate } from '#core/jobs/batch/aggregate';
import { auditFlow, renderAudit, type FlowAudit } from '#core/jobs/batch/flow-audit';
import { AGGREGATE_PATH } from '#core/jobs/batch/flow-files';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { pathsOf, readText, writeDocuments } from './command-files';

/** Holds a finished flow against itself, and changes nothing. */
export const flowAudit: Command = {
  name: 'flow audit',
  usage: '--output-dir FOLDER',
  summary: 'check the hashes of a finished flow and recompute everything in it; name the first file that is wrong',
  positionals: 0,
  options: { 'output-dir': { type: 'string' } },
  run: async (input) => {
    const audited = await auditFolder(input);
    return audited.ok ? ok(renderAudit(audited.value.audit)) : audited;
  },
};

/** After a clean audit: what a receipt backs, as one document. */
export const flowAggregate: Command = {
  name: 'flow aggregate',
  usage: '--output-dir FOLDER',
  summary: `audit a finished flow and write its credited results to FOLDER/${AGGREGATE_PATH}`,
  positionals: 0,
  options: { 'output-dir': { type: 'string' } },
  run: aggregate,
};

async function auditFolder(input: CommandInput): Promise<Result<{ folder: string; audit: FlowAudit }>> {
  const paths = await pathsOf(input, ['output-dir'], []);
  if (!paths.ok) return paths;
  const folder = paths.value['output-dir'];
  const audit = await auditFlow((path) => readText(join(folder, path)), {
    jobTypes: deterministicJobTypes,
    createSigner: createSeedSigner,
    verify: createVerify(async () => (await import('#adapters/verify-noble')).createVerify()),
  });
  return audit.ok ? ok({ folder, audit: audit.value }) : audit;
}

async function aggregate(input: CommandInput): Promise<Result<string>> {
  const audited = await auditFolder(input);
  if (!audited.ok) return audited;
  const path = join(audited.value.folder, AGGREGATE_PATH);
  const text = renderAggregate(audited.value.audit, deterministicJobTypes);
  const written = await writeDocuments([{ path, text }]);
  return written.ok ? ok(text) : written;
}
