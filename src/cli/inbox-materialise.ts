import { join } from 'node:path';
import { writeFiles } from '#adapters/storage-fs-files/write-files';
import { jsonText } from '#core/base/json-text';
import { fail, ok, type Result } from '#core/base/result';
import { materialiseStep } from '#core/jobs/batch/materialise-step';
import { writable } from '#core/jobs/batch/named-documents';
import type { Command, CommandInput } from './command';
import { pathsOf, readText, realPath } from './command-files';

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
  const step = await materialiseStep(paths.value['message-log'], readText);
  if (!step.ok) return step;
  const { inboxes, writes } = step.value;
  const source = await realPath(paths.value['message-log']);
  const placed = writes.map(({ path, text }) => ({ path: join(paths.value.dir, path), text }));
  for (const write of placed) {
    if ((await realPath(write.path)) === source) return fail('usage', 'The message log lies where an inbox must go.');
    const fitting = writable([write]);
    if (!fitting.ok) return fitting;
  }
  const written = await writeFiles(placed);
  if (!written.ok) return written;
  const listed = inboxes.map(({ node_id, messages }, index) => ({
    node_id,
    file: writes[index]!.path,
    message_count: messages.length,
  }));
  return ok(jsonText({ inbox_count: listed.length, inboxes: listed }, { indent: 2 }) + '\n');
}
