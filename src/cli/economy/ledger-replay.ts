import { readTextFile } from '#adapters/storage-fs-files/write-files';
import { createVerify } from '#adapters/verify-node';
import { fail, ok, type Result } from '#core/base/result';
import { renderOutcome } from '#core/economy/economy-files';
import { MAX_LEDGER_FILE_BYTES } from '#core/ledger/ledger-file';
import { replayLedgerFile } from '#core/ledger/replay';
import type { Command, CommandInput } from '../command';

/** What any exported ledger comes to. */
export const ledgerReplay: Command = {
  name: 'ledger replay',
  usage: 'FILE',
  summary: 'replay an exported ledger from nothing: balances, supply, refused events, forgers, digest',
  positionals: 1,
  options: {},
  run: replayFile,
};

async function replayFile({ positionals, resolvePath }: CommandInput): Promise<Result<string>> {
  const path = resolvePath(positionals[0]!);
  const text = await readTextFile(path, MAX_LEDGER_FILE_BYTES);
  if (!text.ok) return text;
  if (text.value === null) return fail('no_ledger', `There is no ledger at ${path}.`);
  const replay = await replayLedgerFile(text.value, createVerify());
  if (!replay.ok) return fail(replay.error.code, `${path}: ${replay.error.message}`);
  return ok(renderOutcome(replay.value));
}
