import { join } from 'node:path';
import { fail, ok, type Result } from '#core/base/result';
import { inboxPath } from '#core/jobs/batch/inboxes';
import { outboxPath } from '#core/jobs/batch/outboxes';
import { processStep, type PassPlace } from '#core/jobs/batch/process-step';
import { renderPass } from '#core/jobs/batch/render-pass';
import { deterministicJobTypes } from '#services/deterministic-job-types';
import type { Command, CommandInput } from './command';
import { pathsOf, readText, writeDocuments } from './command-files';

/** One node does its own assignments, out of its inbox or a whole message log, and remembers them when it is told where. */
export const inboxProcess: Command = {
  name: 'inbox process',
  usage:
    '--node NODE (--dir FOLDER [--outbox] | --message-log FILE) [--ledger FILE] [--state FILE] [--output-log FILE]',
  summary: "do one node's assignments; with --state only those that it has not done yet",
  positionals: 0,
  options: {
    node: { type: 'string' },
    dir: { type: 'string' },
    'message-log': { type: 'string' },
    ledger: { type: 'string' },
    state: { type: 'string' },
    'output-log': { type: 'string' },
    outbox: { type: 'boolean' },
  },
  run: processNode,
};

async function placeOf(input: CommandInput): Promise<Result<PassPlace>> {
  const { node: nodeId, dir, outbox } = input.options;
  if (typeof nodeId !== 'string' || nodeId === '') return fail('usage', '--node is missing.');
  if ((typeof dir === 'string') === (typeof input.options['message-log'] === 'string')) {
    return fail('usage', 'Give either --dir or --message-log.');
  }
  if (outbox === true && typeof dir !== 'string') return fail('usage', '--outbox needs --dir.');
  const own = typeof dir !== 'string' ? {} : { inbox: join(dir, inboxPath(nodeId)) };
  const out =
    typeof dir === 'string' && outbox === true ? { outbox: join(dir, outboxPath(nodeId)) } : { outbox: undefined };
  const named = { ...input, options: { ...input.options, ...own, ...out } };
  const paths = await pathsOf(named, [], ['inbox', 'message-log', 'ledger', 'state', 'output-log', 'outbox']);
  if (!paths.ok) return paths;
  const { inbox, 'message-log': log, ledger, state, 'output-log': outputLog, outbox: outboxFile } = paths.value;
  const isInbox = inbox !== null;
  return ok({ nodeId, source: inbox ?? log ?? '', isInbox, ledger, state, outputLog, outbox: outboxFile });
}

async function processNode(input: CommandInput): Promise<Result<string>> {
  const place = await placeOf(input);
  if (!place.ok) return place;
  const step = await processStep(place.value, readText, deterministicJobTypes);
  if (!step.ok) return step;
  const { pass, ledger, writes } = step.value;
  const written = await writeDocuments(writes);
  return written.ok ? ok(renderPass(pass, deterministicJobTypes, ledger)) : written;
}
