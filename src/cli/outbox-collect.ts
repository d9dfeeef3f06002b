import { join } from 'node:path';
import { listFolder } from '#adapters/storage-fs-files/list-folder';
import { jsonText } from '#core/base/json-text';
import { fail, ok, type Result } from '#core/base/result';
import { collectStep } from '#core/jobs/batch/collect-step';
import { metadataOf } from '#core/jobs/batch/message-log';
import { OUTBOX_FOLDER } from '#core/jobs/batch/outboxes';
import type { Command, CommandInput } from './command';
import { pathsOf, readText, realPath, writeDocuments } from './command-files';

/** Puts what lies in the outboxes of a folder into one message log, and leaves them as they are. */
export const outboxCollect: Command = {
  name: 'outbox collect',
  usage: '--dir FOLDER --message-log FILE',
  summary: 'write the messages of all outboxes in FOLDER as one message log, by node and in their order',
  positionals: 0,
  options: { dir: { type: 'string' }, 'message-log': { type: 'string' } },
  run: collect,
};

async function collect(input: CommandInput): Promise<Result<string>> {
  const paths = await pathsOf(input, ['dir', 'message-log'], []);
  if (!paths.ok) return paths;
  const folder = join(paths.value.dir, OUTBOX_FOLDER);
  const target = paths.value['message-log'];
  const listed = await listFolder(folder);
  if (!listed.ok) return listed;
  const realTarget = await realPath(target);
  const step = await collectStep(
    { path: folder, names: listed.value ?? [], pathOf: (name) => join(folder, name) },
    async (path) =>
      (await realPath(path)) === realTarget
        ? fail('usage', 'The message log must not be one of the outboxes.')
        : readText(path),
  );
  if (!step.ok) return step;
  const { outboxes, messages, text } = step.value;
  const written = await writeDocuments([{ path: target, text }]);
  if (!written.ok) return written;
  const sources = outboxes.map(({ node_id, messages: own }) => ({ node_id, message_count: own.length }));
  return ok(
    jsonText({ outbox_count: sources.length, outboxes: sources, metadata: metadataOf(messages) }, { indent: 2 }) + '\n',
  );
}
