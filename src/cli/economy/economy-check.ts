import { readFolder } from '#adapters/storage-fs-files/read-folder';
import { createVerify } from '#adapters/verify-node';
import { jsonText } from '#core/base/json-text';
import { fail, ok, type Result } from '#core/base/result';
import { checkEconomy } from '#core/economy/check-economy';
import { MAX_SET_FILES } from '#core/economy/economy-files';
import type { Command, CommandFailure, CommandInput } from '../command';

/** Statements are kilobytes; logs of a busy community some megabytes. */
const MAX_SET_BYTES = 64 * 1024 * 1024;

/** Bricks, cards, receipts of growth and of work, and the ledger together. */
export const economyCheck: Command = {
  name: 'economy check',
  usage: '--dir DIR',
  summary: 'check bricks, cards, receipts and ledger of a folder together; exit code 0 only when everything held',
  positionals: 0,
  options: { dir: { type: 'string' } },
  run: checkFolder,
};

async function checkFolder({ options, resolvePath }: CommandInput): Promise<Result<string, CommandFailure>> {
  if (typeof options['dir'] !== 'string') return fail('usage', 'Say where with --dir DIR.');
  const folder = resolvePath(options['dir']);
  const files = await readFolder(folder, { maxFiles: MAX_SET_FILES + 1, maxBytes: MAX_SET_BYTES });
  if (!files.ok) return files;
  if (files.value === null) return fail('nothing_to_check', `There is no folder ${folder}.`);
  const report = await checkEconomy(files.value, createVerify());
  if (!report.ok) return report;
  const text = `${jsonText(report.value, { indent: 2 })}\n`;
  if (report.value.ok) return ok(text);
  const [first, ...more] = report.value.faults;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  const message = `${first!.file}: ${first!.sentence}${others}`;
  return { ok: false, error: { code: 'does_not_hold', message, report: text } };
}
