import { join } from 'node:path';
import { writeFiles } from '#adapters/storage-fs-files/write-files';
import { jsonText } from '#core/base/json-text';
import { fail, ok, type Result } from '#core/base/result';
import { inboxesOf, inboxPath, renderNodeMessages } from '#core/jobs/batch/inboxes';
import { parseMessageLog } from '#core/jobs/batch/message-log';
import type { Command, CommandInput } from './command';
import { pathsOf, readRequired, realPath, writable } from './command-files';

/** Puts what a message log addresses to each node into a file of that node's own. */
export const inboxMaterialise: Command = {
  name: 'inbox materialise',
  usage: '--message-log FILE --dir FOLDER',
  summary: 'write what a message log addresses to each node into FOLDER/inboxes, one file per node',
  positionals: 0,
  options: { 'message-log': { type: 'string' }, dir: { type: 'string' } },
  run: materialise,
};

async function materialise(input: CommandInput): Promise<Result<string>> {
  const paths = await pathsOf(input, ['message-log', 'dir'], []);
  if (!paths.ok) return paths;
  const log = await readRequired(paths.value['message-log'], 'message log', parseMessageLog);
  if (!log.ok) return log;
  const inboxes = inboxesOf(log.value.value);
  if (!inboxes.ok) return inboxes;
  const source = await realPath(paths.value['message-log']);
  const writes = [];
  for (const inbox of inboxes.value) {
    const path = join(paths.value.dir, inboxPath(inbox.node_id));
    if ((await realPath(path)) === source) return fail('usage', 'The message log lies where an inbox must go.');
    const text = writable(path, renderNodeMessages(inbox));
    if (!text.ok) return text;
    writes.push({ path, text: text.value });
  }
  const written = await writeFiles(writes);
  if (!written.ok) return written;
  const listed = inboxes.value.map(({ node_id, messages }) => ({
    node_id,
    file: inboxPath(node_id),
    message_count: messages.length,
  }));
  return ok(jsonText({ inbox_count: listed.length, inboxes: listed }, { indent: 2 }) + '\n');
}
