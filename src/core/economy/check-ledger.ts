import type { Verify } from '../base/ports';
import { fail, ok, type Result } from '../base/result';
import { parseLedgerFile } from '../ledger/ledger-file';
import { replayLogs, reportOf, type ReplayedLogs } from '../ledger/replay';
import type { CheckedGrowth } from './check-growth';
import { LEDGER_FILE, LEDGER_VIEW_FILE, ledgerDocuments, OUTCOME_FILE, type Files } from './economy-files';
import type { FaultList } from './economy-report';
import { firstDifference } from './first-difference';
import { textOf } from './statement-files';

/** Replays the logs from nothing. Null where they cannot be read: the fault is told. */
export async function checkLedger(
  files: Files,
  community: string,
  verify: Verify,
  faults: FaultList,
): Promise<ReplayedLogs | null> {
  const against = (file: string, code: string, sentence: string): void =>
    faults.against('ledger', file, { code, sentence });
  const bytes = files.get(LEDGER_FILE);
  if (bytes === undefined) return null;
  faults.checked('ledger');
  const replayed = await replayOf(bytes, verify);
  if (!replayed.ok) {
    against(LEDGER_FILE, replayed.error.code, replayed.error.message);
    return null;
  }
  if (replayed.value.community.id !== community)
    against(LEDGER_FILE, 'wrong_community', 'The logs belong to another community.');
  const { refusals, forgers, logs, balanced } = reportOf(replayed.value);
  for (const { author, seq, rule, sentence } of refusals)
    against(LEDGER_FILE, rule, `Entry ${seq} of ${author} is refused: ${sentence}`);
  for (const { author, seq } of forgers)
    against(LEDGER_FILE, 'forged', `${author} signed two entries at place ${seq} of its log.`);
  for (const { author, waitsFor } of logs)
    if (waitsFor !== null)
      against(LEDGER_FILE, 'entry_missing', `The log of ${author} refers to entry ${waitsFor.id}, which is not there.`);
  if (!balanced) against(LEDGER_FILE, 'not_balanced', 'All balances together are not what was minted.');

  const expected = ledgerDocuments(replayed.value);
  for (const [file, text] of [
    [LEDGER_VIEW_FILE, expected.view],
    [OUTCOME_FILE, expected.outcome],
  ] as const) {
    const stated = files.get(file);
    if (stated === undefined) {
      against(file, 'file_missing', `${file} is not there.`);
      continue;
    }
    faults.checked('ledger');
    const given = textOf(stated);
    if (!given.ok) against(file, given.error.code, given.error.message);
    else if (given.value !== text)
      against(
        file,
        'not_what_it_comes_to',
        `The replay comes to something else: ${firstDifference(text, given.value)}.`,
      );
  }
  return replayed.value;
}

async function replayOf(bytes: Uint8Array, verify: Verify): Promise<Result<ReplayedLogs>> {
  const text = textOf(bytes);
  if (!text.ok) return text;
  const parsed = parseLedgerFile(text.value);
  if (!parsed.ok) return parsed;
  if (parsed.value.v === 1) return fail('no_credit', 'A ledger file of version 1 knows no credit.');
  const replayed = await replayLogs(parsed.value.file, verify);
  return replayed.ok ? ok(replayed.value) : replayed;
}

/** Whatever was minted, its contribution must be in the set. */
export function checkMints(replayed: ReplayedLogs, { fileByMintKey }: CheckedGrowth, faults: FaultList): void {
  for (const { key, to } of replayed.fold.state.mintByKey.values())
    if (!fileByMintKey.has(key))
      faults.against('ledger', LEDGER_FILE, {
        code: 'contribution_missing',
        sentence: `The contribution for which credit of ${to} was minted is not in the set.`,
      });
}
