import { jsonText } from '#core/base/json-text';
import { ok, type Result } from '#core/base/result';
import { dispatchBatch, heartbeatsOf } from '#core/jobs/batch/dispatch';
import { parseManifest } from '#core/jobs/batch/manifest';
import { metadataOf, renderMessages, scopeOfManifest } from '#core/jobs/batch/message-log';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { pathsOf, readRequired, writeDocuments } from './command-files';

/** Gives the jobs of a manifest out without doing any: heartbeats, then assignments, as a message log. */
export const batchDispatch: Command = {
  name: 'batch dispatch',
  usage: 'MANIFEST --message-log FILE',
  summary: 'give the jobs of a batch to its nodes without doing any, and write the assignments as a message log',
  positionals: 1,
  options: { 'message-log': { type: 'string' } },
  run: dispatch,
};

async function dispatch(input: CommandInput): Promise<Result<string>> {
  const named = { ...input, options: { ...input.options, manifest: input.positionals[0] } };
  const paths = await pathsOf(named, ['manifest', 'message-log'], []);
  if (!paths.ok) return paths;
  const read = await readRequired(paths.value.manifest, 'manifest', parseManifest);
  if (!read.ok) return read;
  const manifest = read.value.value;
  const dispatched = dispatchBatch(manifest, deterministicJobTypes);
  if (!dispatched.ok) return dispatched;
  const { assignments, messages } = dispatched.value;
  const text = renderMessages(messages, scopeOfManifest(manifest));
  const written = await writeDocuments([{ path: paths.value['message-log'], text }]);
  if (!written.ok) return written;
  const node_roster = heartbeatsOf(manifest, deterministicJobTypes);
  const metadata = metadataOf(messages, scopeOfManifest(manifest));
  return ok(jsonText({ assignments, node_roster, metadata }, { indent: 2 }) + '\n');
}
