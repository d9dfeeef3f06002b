import { writeFolder } from '#adapters/storage-fs-files/write-folder';
import { createSeedSigner } from '#adapters/signer-seed';
import { ok, type Result } from '#core/base/result';
import { runFlow } from '#core/jobs/batch/flow';
import { renderFlow } from '#core/jobs/batch/render-flow';
import { parseManifest } from '#core/jobs/batch/manifest';
import { parseMessageLog } from '#core/jobs/batch/message-log';
import { peersOf } from '#core/jobs/batch/peers';
import { inFile } from '#core/jobs/batch/named-documents';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { pathsOf, readOptional, readRequired } from './command-files';

/** A whole batch in one step, into a new folder. */
export const flowRun: Command = {
  name: 'flow run',
  usage: '--manifest FILE --output-dir FOLDER [--transport] [--peers LOG]',
  summary: 'dispatch a batch, do it node by node, and write everything that it leaves, with hashes, into a new folder',
  positionals: 0,
  options: {
    manifest: { type: 'string' },
    'output-dir': { type: 'string' },
    transport: { type: 'boolean' },
    peers: { type: 'string' },
  },
  run: runToFolder,
};

async function runToFolder(input: CommandInput): Promise<Result<string>> {
  const paths = await pathsOf(input, ['manifest', 'output-dir'], ['peers']);
  if (!paths.ok) return paths;
  const manifest = await readRequired(paths.value.manifest, 'manifest', parseManifest);
  if (!manifest.ok) return manifest;
  const log =
    paths.value.peers === null
      ? await readOptional(null, parseMessageLog)
      : await readRequired(paths.value.peers, 'message log', parseMessageLog);
  if (!log.ok) return log;
  const peers = log.value.value === null ? ok(null) : peersOf(log.value.value);
  if (!peers.ok) return inFile(log.value.path, peers.error);
  const plan = { transport: input.options['transport'] === true, peers: peers.value };
  const deps = { jobTypes: deterministicJobTypes, createSigner: createSeedSigner };
  const flow = await runFlow(manifest.value.value, plan, deps);
  if (!flow.ok) return flow;
  const written = await writeFolder(paths.value['output-dir'], flow.value.files);
  return written.ok ? ok(renderFlow(flow.value, plan)) : written;
}
