import { join } from 'node:path';
import { listFolder } from '#adapters/storage-fs-files/list-folder';
import { writeFiles } from '#adapters/storage-fs-files/write-files';
import { jsonText } from '#core/base/json-text';
import { fail, ok, type Result } from '#core/base/result';
import type { NodeMessages } from '#core/jobs/batch/inboxes';
import { MAX_NODES } from '#core/jobs/batch/manifest';
import { metadataOf, renderMessages } from '#core/jobs/batch/message-log';
import { collectOutboxes, parseOutboxFile } from '#core/jobs/batch/outboxes';
import type { Command, CommandInput } from './command';
import { inFile, pathsOf, readRequired, realPath, writable } from './command-files';

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
  const folder = join(paths.value.dir, 'outboxes');
  const target = paths.value['message-log'];
  const listed = await listFolder(folder);
  if (!listed.ok) return listed;
  // Names with a point at the front are files that somebody is still writing.
  const names = (listed.value ?? []).filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
  if (names.length > MAX_NODES) {
    return fail('too_many_nodes', `${folder} holds ${names.length} outboxes; ${MAX_NODES} are the most.`);
  }
  const realTarget = await realPath(target);
  const outboxes: NodeMessages[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if ((await realPath(path)) === realTarget) return fail('usage', 'The message log must not be one of the outboxes.');
    const outbox = await readRequired(path, 'outbox', (text) => parseOutboxFile(text, name));
    if (!outbox.ok) return outbox;
    outboxes.push(outbox.value.value);
  }
  const messages = collectOutboxes(outboxes);
  if (!messages.ok) return inFile(folder, messages.error);
  const text = writable(target, renderMessages(messages.value));
  if (!text.ok) return text;
  const written = await writeFiles([{ path: target, text: text.value }]);
  if (!written.ok) return written;
  const sources = outboxes.map(({ node_id, messages: own }) => ({ node_id, message_count: own.length }));
  return ok(
    jsonText({ outbox_count: sources.length, outboxes: sources, metadata: metadataOf(messages.value) }, { indent: 2 }) +
      '\n',
  );
}
