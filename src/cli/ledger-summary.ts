import { ok, type Result } from '#core/base/result';
import {
  EMPTY_CONTRIBUTION_LEDGER,
  parseContributionLedger,
  renderLedgerSummary,
} from '#core/jobs/batch/contribution-ledger';
import type { Command, CommandInput } from './command';
import { pathsOf, readOptional } from './command-files';

/** What each node of a contribution ledger did. */
export const ledgerSummary: Command = {
  name: 'ledger summary',
  usage: '--ledger FILE',
  summary: 'print what each node of a contribution ledger did; a missing file is an empty ledger',
  positionals: 0,
  options: { ledger: { type: 'string' } },
  run: summarise,
};

async function summarise(input: CommandInput): Promise<Result<string>> {
  const paths = await pathsOf(input, ['ledger'], []);
  if (!paths.ok) return paths;
  const ledger = await readOptional(paths.value.ledger, parseContributionLedger);
  return ledger.ok ? ok(renderLedgerSummary(ledger.value.value ?? EMPTY_CONTRIBUTION_LEDGER)) : ledger;
}
