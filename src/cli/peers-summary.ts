import { ok, type Result } from '#core/base/result';
import { parseMessageLog } from '#core/jobs/batch/message-log';
import { peersOf, renderPeers } from '#core/jobs/batch/peers';
import { inFile } from '#core/jobs/batch/named-documents';
import type { Command, CommandInput } from './command';
import { pathsOf, readRequired } from './command-files';

/** Who was heard in a message log. */
export const peersSummary: Command = {
  name: 'peers summary',
  usage: '--message-log FILE',
  summary: 'print the roster that the recorded heartbeats of a message log give',
  positionals: 0,
  options: { 'message-log': { type: 'string' } },
  run: summarise,
};

async function summarise(input: CommandInput): Promise<Result<string>> {
  const paths = await pathsOf(input, ['message-log'], []);
  if (!paths.ok) return paths;
  const log = await readRequired(paths.value['message-log'], 'message log', parseMessageLog);
  if (!log.ok) return log;
  const peers = peersOf(log.value.value);
  return peers.ok ? ok(renderPeers(peers.value)) : inFile(log.value.path, peers.error);
}
